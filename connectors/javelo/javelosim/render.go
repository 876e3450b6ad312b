package javelosim

import (
	"net/http"
	"strconv"
)

// userJSON has the members of a recorded answer, in their order.
type userJSON struct {
	Schemas     []string       `json:"schemas"`
	ID          string         `json:"id"`
	ExternalID  *string        `json:"externalId"`
	UserName    string         `json:"userName"`
	Name        nameJSON       `json:"name"`
	DisplayName *string        `json:"displayName"`
	Active      any            `json:"active"`
	Title       *string        `json:"title"`
	Locale      string         `json:"locale"`
	Emails      []elementJSON  `json:"emails"`
	Phones      []elementJSON  `json:"phoneNumbers"`
	Enterprise  map[string]any `json:"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"`
	Javelo      map[string]any `json:"urn:ietf:params:scim:schemas:extension:javelo:2.0:User"`
	Meta        metaJSON       `json:"meta"`
}

type nameJSON struct {
	GivenName  *string `json:"givenName"`
	FamilyName *string `json:"familyName"`
	Formatted  *string `json:"formatted"`
}

type elementJSON struct {
	Value   string `json:"value"`
	Type    string `json:"type,omitempty"`
	Primary bool   `json:"primary,omitempty"`
}

type metaJSON struct {
	ResourceType string `json:"resourceType"`
	Location     string `json:"location"`
}

type listJSON struct {
	Schemas      []string `json:"schemas"`
	TotalResults int      `json:"totalResults"`
	StartIndex   int      `json:"startIndex"`
	ItemsPerPage int      `json:"itemsPerPage"`
	Resources    *[]any   `json:"Resources,omitempty"`
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (s *Sim) renderUser(a *Account) *userJSON {
	u := &userJSON{
		Schemas:     []string{coreURN, enterpriseURN, javeloURN},
		ID:          a.ID,
		ExternalID:  orNull(a.ExternalID),
		UserName:    a.UserName,
		Name:        nameJSON{orNull(a.GivenName), orNull(a.FamilyName), orNull(formatted(a))},
		DisplayName: orNull(a.DisplayName),
		Active:      a.Active,
		Title:       orNull(a.Title),
		Locale:      a.Locale,
		Emails:      []elementJSON{},
		Phones:      []elementJSON{},
		Enterprise:  map[string]any{"employeeNumber": nil, "department": nil, "organization": nil, "manager": nil},
		Javelo:      map[string]any{"managerUserName": nil},
		Meta:        metaJSON{"User", s.opts.Location + "/Users/" + a.ID},
	}
	if s.opts.StringBooleans {
		u.Active = strconv.FormatBool(a.Active)
	}
	if a.Email != "" {
		u.Emails = append(u.Emails, elementJSON{a.Email, "work", true})
	}
	if a.Phone != "" {
		u.Phones = append(u.Phones, elementJSON{Value: a.Phone, Type: "work"})
	}
	for k, v := range a.Enterprise {
		u.Enterprise[k] = v
	}
	for _, key := range s.keys {
		u.Javelo[key] = orNull(a.Tenant[key])
	}
	if m, ok := s.accounts[a.ManagerID]; ok {
		u.Enterprise["manager"] = map[string]any{"value": m.ID}
		u.Javelo["managerUserName"] = m.UserName
	}
	return u
}

func (s *Sim) renderList(resources []any, total, start int) answer {
	list := listJSON{
		Schemas:      []string{"urn:ietf:params:scim:api:messages:2.0:ListResponse"},
		TotalResults: total,
		StartIndex:   start,
		ItemsPerPage: len(resources),
		Resources:    &resources,
	}
	if len(resources) == 0 && s.opts.OmitEmptyResources {
		list.Resources = nil
	}
	return answer{status: http.StatusOK, body: list}
}
