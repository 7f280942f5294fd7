// Package fields stands in for the names of log fields.
package fields

const (
	DurationS      = "duration_s"
	HTTPStatusCode = "status_code"
)

type deprecated struct{ Standard string }

var (
	Deprecated     = map[string]deprecated{}
	VariantVersion = map[string]int{}
)
