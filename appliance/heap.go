package appliance

import "sync"

// heapFloor is an allocation that nobody touches, so that it takes no memory: the
// collector counts it. The appliance lives on two megabytes and allocates ten
// kilobytes per SCIM request; without a floor the collector runs every few hundred
// requests and costs a fifth of all time.
var heapFloor []byte

const heapFloorBytes = 12 << 20

// raiseHeap sets the floor, once per process.
var raiseHeap = sync.OnceFunc(func() { heapFloor = make([]byte, heapFloorBytes) })
