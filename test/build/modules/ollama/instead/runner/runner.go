// Package runner is in the place of Ollama's own, its engine: nothing but its server asks for it.
package runner

import "errors"

func Execute([]string) error {
	return errors.New("this program has been compiled without its engine")
}
