// Package moa stands in for the expression language of job inputs. No job of these tests has inputs.
package moa

import (
	"errors"

	"gitlab.com/gitlab-org/moa/ast"
)

func ParseTemplate(string) (ast.Expr, error) { return nil, errors.New("job inputs are not built in") }

func EscapeTemplate(text string) string { return text }
