package hibob_test

import (
	"net/http"
	"net/url"
	"testing"

	"rollcall/connectors"
	"rollcall/connectors/cast"
	"rollcall/connectors/connectortest"
	"rollcall/connectors/hibob"
	"rollcall/connectors/hibob/hibobsim"
)

const (
	user  = "SERVICE-77001"
	token = "canary-token-5d1e"
)

func suite(people, batch int) connectortest.SourceSuite {
	return connectortest.SourceSuite{
		People: people,
		Open: func(_ testing.TB, people []cast.Person) connectortest.SourceService {
			return connectortest.SourceService{
				Handler: hibobsim.New(people, hibobsim.Options{ServiceUserID: user, Token: token, Seed: 11}),
				Secrets: []string{token},
				New: func(base *url.URL, client *http.Client) (connectors.Source, error) {
					return hibob.New(hibob.Config{BaseURL: base.JoinPath("v1"), HTTP: client, ServiceUserID: user, Token: token, BatchSize: batch})
				},
			}
		},
	}
}

func TestReadInOneSearchKeepsThePromises(t *testing.T) { connectortest.RunSource(t, suite(40, 0)) }

func TestReadInBatchesKeepsThePromises(t *testing.T) { connectortest.RunSource(t, suite(40, 15)) }
