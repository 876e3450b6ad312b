package memory_test

import (
	"testing"

	"rollcall/scimsrv"
	"rollcall/scimsrv/scimtest"
	"rollcall/scimsrv/scimtest/memory"
)

func TestDirectoryKeepsEveryPromise(t *testing.T) {
	scimtest.RunDirectory(t, func(*testing.T) scimsrv.Directory { return memory.New(nil) })
}
