//go:build race

package e2e

// raced says that these tests run with the race detector, so the server is
// built with it too.
const raced = true
