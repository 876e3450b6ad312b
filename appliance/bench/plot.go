package bench

import (
	"fmt"
	"math"
	"strings"
)

// curve is one line of the plot.
type curve struct {
	name, color string
	value       func(Result) float64
}

// per1000 are costs per thousand people: flat is as it should be.
var per1000 = []curve{
	{"first read", "#1f77b4", func(r Result) float64 { return 1000 * r.FirstRead / float64(r.People) }},
	{"activation", "#ff7f0e", func(r Result) float64 { return 1000 * r.Activate / float64(r.People) }},
	{"no-change run", "#2ca02c", func(r Result) float64 { return 1000 * r.NoChange / float64(r.People) }},
	{"stream-decoding (floor)", "#7f7f7f", func(r Result) float64 { return 1000 * r.Floor / float64(r.People) }},
}

// single are costs of one thing: flat is as it should be.
var single = []curve{
	{"SCIM write", "#d62728", func(r Result) float64 { return r.SCIMWrite }},
	{"SCIM filtered read", "#9467bd", func(r Result) float64 { return r.SCIMRead }},
	{"start to ready", "#8c564b", func(r Result) float64 { return r.Start }},
	{"shutdown", "#e377c2", func(r Result) float64 { return r.Shutdown }},
}

// Plot draws the growth from size to size as SVG: costs per thousand people, and
// costs of single things, both axes logarithmic.
func Plot(results []Result) string {
	var b strings.Builder
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 380" font-family="sans-serif" font-size="11">` + "\n")
	b.WriteString(`<rect width="860" height="380" fill="white"/>` + "\n")
	panel(&b, 60, "seconds per 1,000 people", results, per1000)
	panel(&b, 490, "seconds", results, single)
	b.WriteString("</svg>\n")
	return b.String()
}

// panel draws one diagram with its left edge at x.
func panel(b *strings.Builder, x float64, title string, results []Result, curves []curve) {
	const top, height, width = 30.0, 250.0, 340.0
	low, high := math.Inf(1), math.Inf(-1)
	for _, c := range curves {
		for _, r := range results {
			if v := c.value(r); v > 0 {
				low, high = min(low, math.Floor(math.Log10(v))), max(high, math.Ceil(math.Log10(v)))
			}
		}
	}
	if math.IsInf(low, 1) {
		return
	}
	high = max(high, low+1)
	first, last := math.Log10(float64(results[0].People)), math.Log10(float64(results[len(results)-1].People))
	across := func(people int) float64 {
		if last == first {
			return x + width/2
		}
		return x + 20 + (width-40)*(math.Log10(float64(people))-first)/(last-first)
	}
	up := func(v float64) float64 { return top + height*(high-math.Log10(v))/(high-low) }
	fmt.Fprintf(b, `<text x="%.0f" y="18" font-weight="bold">%s</text>`+"\n", x, title)
	for e := low; e <= high; e++ {
		y := up(math.Pow(10, e))
		fmt.Fprintf(b, `<line x1="%.0f" y1="%.1f" x2="%.0f" y2="%.1f" stroke="#ddd"/><text x="%.0f" y="%.1f" text-anchor="end">%s</text>`+"\n",
			x, y, x+width, y, x-4, y+4, seconds(math.Pow(10, e)))
	}
	for _, r := range results {
		fmt.Fprintf(b, `<text x="%.1f" y="%.0f" text-anchor="middle">%s</text>`+"\n", across(r.People), top+height+16, thousands(r.People))
	}
	for i, c := range curves {
		var points []string
		for _, r := range results {
			if v := c.value(r); v > 0 {
				points = append(points, fmt.Sprintf("%.1f,%.1f", across(r.People), up(v)))
				fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", across(r.People), up(v), c.color)
			}
		}
		fmt.Fprintf(b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`+"\n", c.color, strings.Join(points, " "))
		y := top + height + 36 + float64(i)*14
		fmt.Fprintf(b, `<rect x="%.0f" y="%.0f" width="10" height="3" fill="%s"/><text x="%.0f" y="%.0f">%s</text>`+"\n", x, y-4, c.color, x+16, y, c.name)
	}
}
