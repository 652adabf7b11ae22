package firehosetest

// LeastBufferBytes is the smallest buffer that a stream may have.
var LeastBufferBytes = &leastBufferBytes
