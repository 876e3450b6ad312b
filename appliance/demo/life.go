package demo

import "context"

func (s *story) goOn(ctx context.Context, o Options) error { return nil }
