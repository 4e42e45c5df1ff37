// Package server is in the place of Ollama's own: nothing but `ollama serve` asks for it.
package server

import (
	"errors"
	"net"
)

func Serve(net.Listener) error {
	return errors.New("this program has been compiled without its server")
}
