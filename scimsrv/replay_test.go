package scimsrv_test

import (
	"net/http/httptest"
	"testing"

	"rollcall/appliance/model"
	"rollcall/scimsrv"
	"rollcall/scimsrv/quirk"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

const token = "scim-test-token"

// tenant is a service with an empty directory behind a real HTTP server.
type tenant struct {
	scimtest.Client
	dir     *memory.Directory
	journal *scimtest.Journal
}

func newTenant(t testing.TB, dialect string, change ...func(*scimsrv.Options)) tenant {
	t.Helper()
	tn := tenant{dir: memory.New(nil), journal: &scimtest.Journal{}}
	server := httptest.NewUnstartedServer(nil)
	opt := scimsrv.Options{
		Directory: tn.dir,
		Authenticator: scimtest.Tokens{
			token:         {Source: "acme", Kind: model.Kind("scim"), Dialect: dialect, TokenID: "t1", Label: "test"},
			"other-token": {Source: "other", Kind: model.Kind("scim"), Dialect: dialect, TokenID: "t2", Label: "test"},
		},
		Recorder:  tn.journal,
		PublicURL: "http://" + server.Listener.Addr().String(),
	}
	for _, c := range change {
		c(&opt)
	}
	s, err := scimsrv.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	server.Config = scimsrv.Server(s)
	server.Start()
	t.Cleanup(server.Close)
	tn.Client = scimtest.Client{BaseURL: opt.PublicURL + scimsrv.BasePath, Token: token, HTTP: server.Client()}
	return tn
}

func TestConversationsWithOktaAreAnsweredAsRecorded(t *testing.T) {
	scimtest.Replay(t, scimtest.Recorded("okta"), func(t *testing.T) scimtest.Client { return newTenant(t, quirk.Okta).Client })
}

func TestConversationsWithEntraAreAnsweredAsRecorded(t *testing.T) {
	scimtest.Replay(t, scimtest.Recorded("entra"), func(t *testing.T) scimtest.Client { return newTenant(t, quirk.Azure).Client })
}

// One tenant for all conversations: none may depend on what another left.
func TestConversationsDoNotDisturbEachOther(t *testing.T) {
	for sender, dialect := range map[string]string{"okta": quirk.Okta, "entra": quirk.Azure} {
		t.Run(dialect, func(t *testing.T) { scimtest.ReplayShared(t, scimtest.Recorded(sender), newTenant(t, dialect).Client) })
	}
}

func TestDialectRFCKeepsEveryRequirement(t *testing.T) {
	scimtest.RunRequirements(t, func(t *testing.T) scimtest.Client { return newTenant(t, quirk.RFC).Client }, nil)
}

// The other dialects keep all but what their senders cannot live with.
func TestOtherDialectsDepartOnlyWhereTheirSendersDo(t *testing.T) {
	departures := map[string]string{
		"patch.no-target": "Entra sets the first work email by a filter that selects nothing yet",
		"patch.unknown":   "Okta and Entra send attributes that an administrator mapped and no schema knows",
	}
	for _, dialect := range []string{quirk.Okta, quirk.Azure, quirk.Lenient} {
		t.Run(dialect, func(t *testing.T) {
			scimtest.RunRequirements(t, func(t *testing.T) scimtest.Client { return newTenant(t, dialect).Client }, departures)
		})
	}
}
