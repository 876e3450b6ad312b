package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"rollcall/appliance/admin"
	"rollcall/appliance/admin/client"
	"rollcall/appliance/config"
)

func (a *app) token() *cobra.Command {
	return topic("token create SOURCE | list | revoke ID", "bearer tokens for SCIM senders", a.tokenCreate(), a.tokenList(), a.tokenRevoke())
}

func (a *app) tokenCreate() *cobra.Command {
	var label, ttl string
	c := &cobra.Command{
		Use: "create SOURCE", Short: "makes a token and prints it, this once, alone on standard output",
		Example:           "  rollcall token create okta --label \"Okta production\" --ttl 365d",
		Args:              takes(1, 1),
		ValidArgsFunction: a.sourceNames,
		RunE: func(cmd *cobra.Command, args []string) error {
			var life config.Duration
			if ttl != "" {
				if err := life.UnmarshalText([]byte(ttl)); err != nil || life <= 0 {
					return wrongUsage(fmt.Errorf("--ttl %q is not a length of time: write 90d, 365d or 12h, or leave it out for a token without end", ttl))
				}
			}
			ctx, cancel := seconds(cmd)
			defer cancel()
			c, err := a.connect()
			if err != nil {
				return err
			}
			t, err := c.CreateToken(ctx, args[0], label, time.Duration(life))
			if err != nil {
				return err
			}
			if a.json {
				return a.out.json(t, true)
			}
			a.note.linef("This is token %s of %s. It is shown this once and kept only as a hash:", t.ID, t.Source)
			a.out.line(t.Token)
			if t.URL != "" {
				a.note.linef("Give it to the sender together with the URL %s", t.URL)
			}
			if life == 0 {
				a.note.line("It does not expire; --ttl 365d makes one that does.")
			}
			a.note.linef("\"rollcall token revoke %s\" makes it worthless.", quoted(t.ID))
			return nil
		},
	}
	c.Flags().StringVar(&label, "label", "", "what it is for (`TEXT`)")
	c.Flags().StringVar(&ttl, "ttl", "", "how long it lives, such as 365d (`TIME`; default: without end)")
	return c
}

func (a *app) tokenList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "the tokens, without the secrets",
		Args: takes(0, 0),
		RunE: showing(a, func(ctx context.Context, c *client.Client, _ []string) ([]admin.Token, error) { return c.Tokens(ctx) }, a.tellTokens),
	}
}

func (a *app) tellTokens(tokens []admin.Token) {
	if len(tokens) == 0 {
		a.out.line("No tokens. \"rollcall token create SOURCE\" makes one for a SCIM sender.")
		return
	}
	now := a.deps.Now()
	t := &table{columns: []column{{title: "ID"}, {title: "SOURCE"}, {title: "LABEL", flex: true}, {title: "STATE"}, {title: "USED"}, {title: "CREATED"}, {title: "BY", flex: true}}}
	for _, k := range tokens {
		t.add(k.ID, k.Source, k.Label, tokenState(k, now), ago(now, k.LastUsed), ago(now, k.Created), k.By)
	}
	a.out.table(t)
}

func tokenState(t admin.Token, now time.Time) any {
	switch {
	case !t.Revoked.IsZero():
		return faint("revoked")
	case t.Expires.IsZero():
		return "valid"
	case !t.Expires.After(now):
		return bad("expired")
	case t.Expires.Sub(now) < 14*24*time.Hour:
		return warn("expires " + ago(now, t.Expires))
	}
	return "until " + t.Expires.Format(time.DateOnly)
}

func (a *app) tokenRevoke() *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "makes a token worthless at once",
		Args: takes(1, 1),
		RunE: acting(a, func(ctx context.Context, c *client.Client, args []string) (map[string]string, string, error) {
			return map[string]string{"revoked": args[0]},
				fmt.Sprintf("Token %s is worthless from now on. Its sender is refused until it has another (\"rollcall token create\").", args[0]), c.RevokeToken(ctx, args[0])
		}),
	}
}
