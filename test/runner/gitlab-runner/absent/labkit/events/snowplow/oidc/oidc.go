package oidc

type (
	Option struct{}
	Source struct{}
)

func NewSource(...Option) Source             { return Source{} }
func WithSkipIfUnsupportedCloud(bool) Option { return Option{} }
