package dynamo

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"loch/shared/fault"
	"loch/shared/profile"
	"loch/shared/roster"
)

// A list reads the whole table, in segments side by side. An index by which to read
// less would be paid for at every write, and a filter may ask for any trait; reading a
// million people costs three cents, and lists are rare. What a list cannot read within
// its time ends with fault.Timeout: SQL over the lake's snapshots is for more people.

var _ roster.Roster = (*Profiles)(nil)

const segments = 8

// List implements roster.Roster.
func (s *Profiles) List(ctx context.Context, q roster.Query) (roster.Page, error) {
	if q.Project == "" || q.Limit < 1 || q.Limit > roster.MaxLimit {
		return roster.Page{}, fault.New(fault.Internal, "a list is asked for without a project, or with a limit that is out of bounds")
	}
	if q.Match != nil {
		q.Match = q.Match.Until(ctx) // an expression on a long text ends with whoever asked
	}
	var parts [segments]front
	all, bounded := errgroup.WithContext(ctx)
	if q.Among != nil {
		all.Go(func() error { return s.among(bounded, &q, &parts[0]) })
	} else {
		for n := range segments {
			all.Go(func() error { return s.segment(bounded, &q, n, &parts[n]) })
		}
	}
	err := all.Wait()
	if ctx.Err() != nil {
		return roster.Page{}, fault.Wrap(ctx.Err(), fault.Timeout, "the list took longer than it may; ask for fewer people, or ask SQL")
	}
	if err != nil {
		return roster.Page{}, err
	}
	var whole front
	for i := range parts {
		whole.count += parts[i].count
		whole.profiles = append(whole.profiles, parts[i].profiles...)
	}
	whole.trim(&q)
	page := roster.Page{Count: whole.count, Profiles: whole.profiles}
	if len(page.Profiles) > q.Limit {
		page.Profiles = page.Profiles[:q.Limit]
		last := roster.PlaceOf(&page.Profiles[q.Limit-1], q.Order)
		page.Next = &last
	}
	return page, nil
}

// front is how many pass, and those of them who come first behind where a page begins.
type front struct {
	count    int
	profiles []profile.Profile
}

// ask asks one person.
func (f *front) ask(q *roster.Query, p *profile.Profile) {
	if p.GroupKey != q.GroupKey || !roster.Passes(q.Match, p) {
		return
	}
	f.count++
	if q.After != nil && roster.PlaceOf(p, q.Order).Compare(*q.After) <= 0 {
		return
	}
	if f.profiles = append(f.profiles, *p); len(f.profiles) >= 4*q.Limit+64 {
		f.trim(q)
	}
}

// trim keeps one more than the page takes, by which it is known that there is another.
func (f *front) trim(q *roster.Query) {
	slices.SortFunc(f.profiles, func(a, b profile.Profile) int {
		return roster.PlaceOf(&a, q.Order).Compare(roster.PlaceOf(&b, q.Order))
	})
	if len(f.profiles) > q.Limit+1 {
		clear(f.profiles[q.Limit+1:])
		f.profiles = f.profiles[:q.Limit+1]
	}
}

// segment reads one segment of the table.
func (s *Profiles) segment(ctx context.Context, q *roster.Query, n int, f *front) error {
	in := &dynamodb.ScanInput{
		TableName: aws.String(s.name), ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		Segment: aws.Int32(int32(n)), TotalSegments: aws.Int32(segments),
		FilterExpression: aws.String("begins_with(pk,:project) AND sk=:profile AND attribute_not_exists(leads) AND attribute_not_exists(dead)"),
		ExpressionAttributeValues: item{
			":project": text(q.Project + "/"), ":profile": text(skProfile),
		},
	}
	return s.walkTable(ctx, in, func(e *effort, i item) error { return s.ask(ctx, e, q, i, f) })
}

// among reads the people that a list is limited to.
func (s *Profiles) among(ctx context.Context, q *roster.Query, f *front) error {
	var keys []item
	for _, id := range slices.Compact(slices.Sorted(slices.Values(q.Among))) {
		if id != "" {
			keys = append(keys, key{q.Project, id}.item(skProfile))
		}
	}
	for part := range slices.Chunk(keys, mostInBatch) {
		e := s.effort(ctx)
		found, err := s.getItems(ctx, e, part)
		if err != nil {
			return err
		}
		for _, i := range found {
			if err := s.ask(ctx, e, q, i, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// ask asks the person of an item, if it holds one.
func (s *Profiles) ask(ctx context.Context, e *effort, q *roster.Query, i item, f *front) error {
	r, err := decodeRecord(key{q.Project, i.text(pk)[len(q.Project)+1:]}, i)
	if err != nil || r.to != "" || r.dead {
		return err
	}
	if err := s.load(ctx, e, r); err != nil {
		return err
	}
	if r.to == "" && r.exists() {
		f.ask(q, &r.p)
	}
	return nil
}
