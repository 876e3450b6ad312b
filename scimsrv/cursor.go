package scimsrv

import (
	"encoding/base64"
	"errors"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"rollcall/scimsrv/attr"
)

// byCursor answers with the page that a cursor stands before (RFC 9865 §2). The
// cursor names the last resource of the page before, so that nothing is skipped
// or shown twice whatever is written meanwhile.
func (s *Service) byCursor(c *call, scopes []scope, q search) (*answer, error) {
	at, err := decodeCursor(*q.cursor, c, scopes, q)
	if err != nil {
		return nil, err
	}
	if q.count == 0 { // nothing but how many there are
		total, _, err := s.windows(c, scopes, q)
		if err != nil {
			return nil, err
		}
		return s.cursorResponse(c, nil, total, "")
	}
	var page []hit
	more := false
	for i := at.scope; i < len(scopes) && !more; i++ {
		after := ""
		if i == at.scope {
			after = at.after
		}
		hits, err := s.take(c, &scopes[i], after, 0, q.count-len(page)+1)
		if errors.Is(err, ErrNotFound) {
			return nil, refuse(http.StatusBadRequest, expiredCursor, "the resource that the cursor stands at is gone; begin again with an empty cursor")
		}
		if err != nil {
			return nil, err
		}
		page = append(page, hits...)
		more = len(page) > q.count
	}
	next := ""
	if more {
		page = page[:q.count]
		last := page[len(page)-1]
		i := slices.IndexFunc(scopes, func(sc scope) bool { return sc.k == last.scope.k })
		next = encodeCursor(cursor{scope: i, after: last.res.ID}, c, scopes, q)
	}
	total := -1
	if *q.cursor == "" && !more {
		total = len(page)
	}
	return s.cursorResponse(c, page, total, next)
}

// cursorResponse leaves totalResults out unless it is known.
func (s *Service) cursorResponse(c *call, page []hit, total int, next string) (*answer, error) {
	list, err := s.renderAll(c, page)
	if err != nil {
		return nil, err
	}
	body := attr.NewObject(attr.Member{Name: "schemas", Value: attr.Strings(listResponseURN)})
	if total >= 0 {
		body.Set("totalResults", number(total))
	}
	body.Set("itemsPerPage", number(len(list)))
	if next != "" {
		body.Set("nextCursor", next)
	}
	body.Set("Resources", list)
	return &answer{status: http.StatusOK, body: body}, nil
}

// cursor is a place in a result: after a resource, or at an offset if sorted.
type cursor struct {
	scope  int
	offset int
	after  string
}

// encodeCursor writes a cursor in unreserved characters (RFC 9865 §2). It carries
// a digest of the query, so that it is refused for another one.
func encodeCursor(at cursor, c *call, scopes []scope, q search) string {
	text := strings.Join([]string{digest(c, scopes, q), strconv.Itoa(at.scope), strconv.Itoa(at.offset), at.after}, "\x00")
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

func decodeCursor(text string, c *call, scopes []scope, q search) (cursor, error) {
	if text == "" {
		return cursor{}, nil
	}
	invalid := refuse(http.StatusBadRequest, invalidCursor, "this cursor was not given for this query; repeat all parameters, or begin with an empty cursor")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return cursor{}, invalid
	}
	parts := strings.Split(string(raw), "\x00")
	if len(parts) != 4 || parts[0] != digest(c, scopes, q) {
		return cursor{}, invalid
	}
	at := cursor{after: parts[3]}
	var errs [2]error
	at.scope, errs[0] = strconv.Atoi(parts[1])
	at.offset, errs[1] = strconv.Atoi(parts[2])
	if errors.Join(errs[:]...) != nil || at.scope < 0 || at.scope >= len(scopes) || at.offset < 0 {
		return cursor{}, invalid
	}
	return at, nil
}

func digest(c *call, scopes []scope, q search) string {
	h := fnv.New64a()
	for _, part := range []string{c.caller.Source, q.filter, q.sortBy, strconv.FormatBool(q.descending)} {
		h.Write([]byte(part + "\x00"))
	}
	for _, sc := range scopes {
		h.Write([]byte(sc.k.t + "\x00"))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
