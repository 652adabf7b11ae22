package ingest_test

import (
	"strings"
	"testing"

	"loch/shared/profile"
)

// However many events a request has of a person, they are told of once: the first
// and the last time, how they came at first, where they were at last.
func TestOnePersonIsToldOfOnce(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/track/?ip=1", `[
	  {"event":"b","properties":{"token":"T","distinct_id":"$device:d1","time":1795465174,"$current_url":"https://shop.test/b","$referrer":"https://shop.test/a"}},
	  {"event":"a","properties":{"token":"T","distinct_id":"$device:d1","time":1795465100,"$current_url":"https://shop.test/a?utm_source=news&utm_medium=email&utm_campaign=spring"}},
	  {"event":"server","properties":{"token":"T","distinct_id":"$device:d1","time":1795465000}},
	  {"event":"c","properties":{"token":"T","distinct_id":"$device:d1","time":1795465200,"$current_url":"https://shop.test/c","$city":"Oslo","ip":0}},
	  {"event":"a","properties":{"token":"T","distinct_id":"$device:d2","time":1795465174}}]`)
	sightings := b.people.changes[0].Sightings
	if len(sightings) != 2 {
		t.Fatalf("sightings %+v", sightings)
	}
	seen := sightings[0].Seen
	if seen.FirstMS != 1795465000_000 || seen.LastMS != 1795465200_000 || seen.PlaceMS != seen.LastMS || seen.Place.City != "Oslo" {
		t.Errorf("seen %+v", seen)
	}
	if want := (profile.Arrival{Channel: "Email", Source: "news", UTMSource: "news", UTMMedium: "email", UTMCampaign: "spring"}); seen.Arrival != want {
		t.Errorf("came by %+v, want %+v", seen.Arrival, want)
	}
}

// A campaign of a megabyte is in the lake, and not in a store's memory.
func TestLongTextsAreNotNoticed(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/track/", `{"event":"a","properties":{"token":"T","distinct_id":"u","utm_source":"news","utm_campaign":"`+strings.Repeat("x", 256)+`"}}`)
	rows, _, _ := b.sink.rows()
	came := b.people.changes[0].Sightings[0].Arrival
	if len(rows[0].UTMCampaign) != 256 || came.UTMCampaign != "" || came.UTMSource != "news" {
		t.Errorf("the row has %d bytes, the profile %+v", len(rows[0].UTMCampaign), came)
	}
}

// What a client named a record by is how a store knows it again; the store sees
// nothing of the name itself.
func TestInsertIDsOfUpdatesAreSealed(t *testing.T) {
	b := newBench(t)
	b.send("POST", "/engage", `[
	  {"$token":"T","$distinct_id":"u","$insert_id":"u:visit:7","$add":{"n":1}},
	  {"$token":"T","$distinct_id":"u","$insert_id":"u:visit:7","$add":{"n":1}},
	  {"$token":"T","$distinct_id":"u","$insert_id":"u:visit:8","$add":{"n":1}},
	  {"$token":"T","$distinct_id":"u","$add":{"n":1}}]`)
	u := b.people.changes[0].Updates
	if len(u) != 4 || u[0].InsertID != u[1].InsertID || u[0].InsertID == u[2].InsertID || u[3].InsertID != "" {
		t.Fatalf("updates %+v", u)
	}
	if len(u[0].InsertID) != 32 || strings.Contains(u[0].InsertID, "visit") {
		t.Errorf("the store is given the name %q", u[0].InsertID)
	}
}
