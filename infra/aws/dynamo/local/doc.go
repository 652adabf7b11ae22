// Package local holds the stores of infra/aws/dynamo to their contracts on Amazon's own
// DynamoDB Local, as it is and with faults on the way to it.
//
// It is a package of tests alone, apart from the stores, because it needs Java and a
// program that `make test` installs into node_modules; `make test-fast` leaves it out.
package local
