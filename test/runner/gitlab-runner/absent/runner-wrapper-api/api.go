// Package api stands in for the gRPC side of `gitlab-runner wrapper`.
package api

import (
	"context"
	"errors"

	"github.com/sirupsen/logrus"
)

type Status int

const (
	StatusUnknown Status = iota
	StatusRunning
	StatusInShutdown
	StatusStopped
)

var ErrProcessNotInitialized = errors.New("process not initialized")

type ShutdownCallback interface{ Run(context.Context) }

type ShutdownCallbackDef interface {
	URL() string
	Method() string
}

type InitGracefulShutdownRequest interface{ ShutdownCallbackDef() ShutdownCallbackDef }

func NewShutdownCallback(logrus.FieldLogger, ShutdownCallbackDef) ShutdownCallback { return nil }

func (Status) String() string { return "gitlab-runner wrapper is not built in" }
