// Command rollcall keeps the people of a company in step with its
// performance-review SaaS.
package main

func main() {}
