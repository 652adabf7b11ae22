package local_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"loch/infra/aws/dynamo"
	"loch/shared/fault"
	"loch/shared/project"
	"loch/shared/project/projecttest"
)

func TestProjects(t *testing.T) {
	t.Parallel()
	projecttest.Run(t, func(t *testing.T) projecttest.World {
		api := account(t, nil)
		r := dynamo.NewProjects(api, options())
		c, err := r.Create(t.Context(), "default", "", project.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		return projecttest.World{
			Registry: r, Project: c.Project, Token: c.Token, Keys: c.Keys, Username: c.Username, Secret: c.Secret,
			Reopen: func() project.Registry { return dynamo.NewProjects(api, options()) },
			Set: func(change func(*project.Settings)) {
				if err := r.SetSettings(t.Context(), "default", change); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// Operators make projects, give them other tokens, and are told of what makes no sense.
func TestManageProjects(t *testing.T) {
	t.Parallel()
	api, ctx := account(t, nil), t.Context()
	now := time.Unix(1_795_465_200, 0)
	o := options()
	o.Now = func() time.Time { return now }
	r, other := dynamo.NewProjects(api, o), dynamo.NewProjects(api, o)
	if _, err := r.Create(ctx, "one", "FIRST", project.Settings{Timezone: "Europe/Oslo"}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"the same id":    create(r, "one", "SECOND", project.Settings{}),
		"the same token": create(r, "two", "FIRST", project.Settings{}),
	} {
		if fault.CodeOf(err) != fault.Conflict {
			t.Errorf("%s: %v", what, err)
		}
	}
	for field, err := range map[string]error{
		"id":                create(r, "A b", "", project.Settings{}),
		"settings.timezone": create(r, "three", "", project.Settings{Timezone: "Europe/Olso"}),
		"privacy.scan":      create(r, "three", "", project.Settings{Privacy: project.Privacy{Scan: map[string]string{"mail": "drop"}}}),
		"settings.identity": r.SetSettings(ctx, "one", func(s *project.Settings) { s.Identity = "legacy" }),
		"token":             r.ReplaceToken(ctx, "one", ""),
	} {
		if fault.CodeOf(err) != fault.Invalid || fault.From(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if p, err := other.ByToken(ctx, "FIRST"); err != nil || p.Settings.Timezone != "Europe/Oslo" {
		t.Errorf("%+v %v", p, err)
	}
	if err := r.ReplaceToken(ctx, "one", "NEW"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ByToken(ctx, "FIRST"); fault.CodeOf(err) != fault.Unauthorized {
		t.Errorf("the old token still works: %v", err)
	}
	now = now.Add(11 * time.Second)
	if _, err := other.ByToken(ctx, "FIRST"); fault.CodeOf(err) != fault.Unauthorized {
		t.Errorf("the old token still works elsewhere: %v", err)
	}
	if p, err := other.ByToken(ctx, "NEW"); err != nil || p.ID != "one" {
		t.Errorf("the new token: %+v %v", p, err)
	}
	if _, err := r.Create(ctx, "two", "FIRST", project.Settings{}); err != nil {
		t.Errorf("a token that is free again: %v", err)
	}
	if err := r.ReplaceToken(ctx, "two", "NEW"); fault.CodeOf(err) != fault.Conflict {
		t.Errorf("another's token: %v", err)
	}
	list, err := r.List(ctx)
	slices.SortFunc(list, func(a, b project.Project) int { return len(a.Token) - len(b.Token) })
	if err != nil || len(list) != 2 || list[0].ID != "one" || list[1].ID != "two" {
		t.Errorf("%+v %v", list, err)
	}
}

func create(r *dynamo.Projects, id, token string, s project.Settings) error {
	_, err := r.Create(context.Background(), id, token, s)
	return err
}
