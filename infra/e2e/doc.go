// Package e2e tests Loch from outside: it builds the binary, starts it on a
// folder of its own, and speaks to it as a website, an SDK, an analyst and an
// operator do. It knows nothing of what is inside, but for the data folder,
// which it searches byte for byte.
//
// What it proves, one file each: a real browser with an unmodified SDK
// (browser), every request that real SDKs were recorded to send (captures),
// SIGKILL under load (crash), a disk without room (disk_full), that nothing
// about a person is left where it should not be (leak), and the commands that ask a
// stack on AWS (account). `make bench` runs the
// benchmarks here.
package e2e
