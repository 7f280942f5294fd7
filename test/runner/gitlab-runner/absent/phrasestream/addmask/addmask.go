// Package addmask stands in for what `gitlab-runner-helper exec` masks. Only Kubernetes calls that.
package addmask

import (
	"errors"
	"io"
)

type AddMask struct{}

func New(any, ...io.Writer) (*AddMask, error) { return nil, errors.New("proxy-exec is not built in") }

func (*AddMask) Get(int) io.Writer { return io.Discard }
func (*AddMask) Close() error      { return nil }
