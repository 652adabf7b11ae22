package athena

import "loch/infra/aws/glue"

// quoteParameter makes the value of a ? out of a text. Athena takes the value for an
// SQL expression, of at most 1024 characters.
func quoteParameter(value string) string { return glue.Literal(value) }
