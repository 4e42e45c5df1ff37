// Reads objects as others read them who know nothing of their kind: kstatus, by which Flux, Helm and kpt go, and Argo CD, by
// a script in Lua. Objects come as a JSON list; the answer is a list as well.
//
//	status-readers FILE-WITH-THE-SCRIPT < objects.json
package main

import (
	"encoding/json"
	"io"
	"os"

	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	whole "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type reading struct {
	Kstatus string `json:"kstatus"`
	Argo    string `json:"argo"`
	Message string `json:"message"`
}

func main() {
	script, err := os.ReadFile(os.Args[1])
	orPanic(err)
	sent, err := io.ReadAll(os.Stdin)
	orPanic(err)
	// Whole numbers have to be some: kstatus takes no others for a generation.
	var objects []any
	orPanic(whole.Unmarshal(sent, &objects))
	readings := []reading{}
	for _, one := range objects {
		object := one.(map[string]any)
		result, err := status.Compute(&unstructured.Unstructured{Object: object})
		orPanic(err)
		health, message := healthOf(object, string(script))
		readings = append(readings, reading{string(result.Status), health, message})
	}
	orPanic(json.NewEncoder(os.Stdout).Encode(readings))
}

// As Argo CD runs it: no libraries but those that cannot touch the machine, and the object as `obj`.
func healthOf(object map[string]any, script string) (string, string) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		orPanic(state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)))
	}
	state.SetGlobal("obj", valueOf(state, object))
	orPanic(state.DoString(script))
	health := state.CheckTable(-1)
	return health.RawGetString("status").String(), health.RawGetString("message").String()
}

func valueOf(state *lua.LState, value any) lua.LValue {
	switch one := value.(type) {
	case bool:
		return lua.LBool(one)
	case float64:
		return lua.LNumber(one)
	case int64:
		return lua.LNumber(one)
	case string:
		return lua.LString(one)
	case []any:
		table := state.NewTable()
		for _, item := range one {
			table.Append(valueOf(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range one {
			table.RawSetString(key, valueOf(state, item))
		}
		return table
	}
	return lua.LNil
}

func orPanic(err error) {
	if err != nil {
		panic(err)
	}
}
