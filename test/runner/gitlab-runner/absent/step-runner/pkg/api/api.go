package api

import "net"

func SocketAddr(path string) *net.UnixAddr { return &net.UnixAddr{Name: path, Net: "unix"} }

func DefaultSocketPath() string { return "/tmp/step-runner.sock" }
