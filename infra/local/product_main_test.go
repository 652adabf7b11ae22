package main

import (
	"testing"

	"loch/infra/local/duckdb"
)

func TestMain(m *testing.M) {
	duckdb.Work()
	m.Run()
}
