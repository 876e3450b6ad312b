package scim_test

import (
	"net/http"
	"net/url"
	"testing"

	"rollcall/appliance/model"
	"rollcall/connectors"
	"rollcall/connectors/connectortest"
	"rollcall/connectors/scim"
	"rollcall/scimsrv"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

// The simulator and the target have the same reading of the RFC. The service that
// this project answers SCIM senders with was written apart from both, to the
// letter of the RFC, and must be a target as good as any.
func TestSCIMTargetKeepsItsPromisesWithAServiceWrittenApart(t *testing.T) {
	connectortest.RunTarget(t, connectortest.TargetSuite{
		Attributes:    scim.TargetAttributes(),
		UnknownID:     "AAAAAAAAAAAAAAAAAAAAAAAAAA",
		Start:         []string{"startIndex", "cursor"},
		KeepsManagers: true,
		Open: func(t testing.TB) connectortest.TargetService {
			service, err := scimsrv.New(scimsrv.Options{
				Directory:     memory.New(nil),
				Authenticator: scimtest.Tokens{targetCanary: {Source: "partner", Kind: model.KindSCIM, Dialect: "rfc"}},
				PublicURL:     "https://rollcall.example",
			})
			if err != nil {
				t.Fatal(err)
			}
			return connectortest.TargetService{
				Handler: service,
				Secrets: []string{targetCanary},
				New: func(base *url.URL, client *http.Client) (connectors.Target, error) {
					target, err := scim.NewTarget(scim.TargetConfig{BaseURL: base.JoinPath(scimsrv.BasePath), Token: targetCanary, HTTP: client, PageSize: 2})
					if err != nil {
						return nil, err
					}
					_, err = target.Discover(t.Context())
					return target, err
				},
			}
		},
	})
}
