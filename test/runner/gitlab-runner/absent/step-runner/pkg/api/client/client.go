// Package client stands in for native steps, which the Custom executor does not run.
package client

import "time"

type (
	State     int
	ErrorKind int
)

const (
	StateUnspecified State = iota
	StateRunning
	StateSuccess
	StateFailure
	StateCancelled
)

const (
	ErrorUnspecified ErrorKind = iota
	ErrorInternal
	ErrorStepFailure
	ErrorCancelled
	ErrorTimeout
	ErrorUnknown
)

func (State) String() string { return "native steps are not built in" }

type Status struct {
	State     State
	ErrorKind ErrorKind
	Message   string
}

type Variable struct {
	Key, Value   string
	File, Masked bool
}

type RunRequest struct {
	Id, WorkDir, BuildDir, Steps string
	Timeout                      *time.Duration
	Env                          map[string]string
	Variables                    []Variable
}
