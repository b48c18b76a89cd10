package main

import (
	"io"
	"time"
)

// An environment is what the program has from its surroundings.
type environment struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
}
