package render

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/google/go-cmp/cmp"

	"github.com/nsysdiff/nsysdiff/align"
)

// A browser is a headless Chromium with one tab, and what its console said.
type browser struct {
	ctx     context.Context
	mu      sync.Mutex
	console []string
}

// newBrowser starts Chromium. Without one a test is skipped, but not in CI,
// which installs it.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser")
	}
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	switch {
	case path == "" && os.Getenv("CI") != "":
		t.Fatal("no chromium, which CI must install: apt-get install --no-install-recommends chromium")
	case path == "":
		t.Skip("no chromium: apt-get install --no-install-recommends chromium")
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path)}
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to run as root with it
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(options...))
	t.Cleanup(cancel)
	b := &browser{ctx: ctx}
	b.do(t, chromedp.Func(func(ctx context.Context, x *chromedp.Target) error {
		_, err := cdp.Call(ctx, x, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, m.String())
			b.mu.Unlock()
		}
	}()
	return b
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// open shows a result at a width.
func (b *browser) open(t *testing.T, r *align.Result, width int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page #1 50%.html")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := HTML(f, r, Options{Version: "v1.2.3", Command: []string{"nsysdiff", "mock.sqlite", "e2e.sqlite"}}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	b.do(t, chromedp.EmulateViewport(int64(width), 900), chromedp.Navigate((&url.URL{Scheme: "file", Path: path}).String()))
}

// quiet holds the console to having said nothing.
func (b *browser) quiet(t *testing.T) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.console {
		t.Errorf("console: %s", m)
	}
	b.console = nil
}

// eval returns the value of an expression in the page.
func eval[T any](t *testing.T, b *browser, js string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](js))
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return v
}

func want[T any](t *testing.T, b *browser, want T, js string) {
	t.Helper()
	if d := cmp.Diff(want, eval[T](t, b, js)); d != "" {
		t.Errorf("%s (-want +got):\n%s", js, d)
	}
}

func TestBrowser(t *testing.T) {
	b := newBrowser(t)

	t.Run("pages", func(t *testing.T) {
		for name, r := range pages(t) {
			for _, width := range []int{1280, 390} {
				b.open(t, r, width)
				b.quiet(t)
				if got := eval[int](t, b, "document.documentElement.scrollWidth"); got > width {
					t.Errorf("%s at %d pixels is %d wide", name, width, got)
				}
				want(t, b, 0, "performance.getEntriesByType('resource').length")
				want(t, b, "visible", "getComputedStyle(document.querySelector('main')).visibility")
			}
		}
	})

	t.Run("sort", func(t *testing.T) {
		b.open(t, drawn(t, 60), 1280)
		const keys = "[...document.querySelectorAll('#site-table tr[data-v]')].map(r => Number(r.cells[4].dataset.k))"
		const click = "document.querySelectorAll('#site-table th')[4].querySelector('button').click()"
		const sorted = "document.querySelectorAll('#site-table th')[4].getAttribute('aria-sort')"
		eval[any](t, b, click)
		want(t, b, "descending", sorted)
		got := eval[[]float64](t, b, keys)
		if !slices.IsSortedFunc(got, func(x, y float64) int { return int(1000 * (y - x)) }) || got[0] != 2.5 {
			t.Errorf("descending: %v", got)
		}
		want(t, b, 1, "document.querySelectorAll('#site-table th[aria-sort]').length")
		eval[any](t, b, click)
		want(t, b, "ascending", sorted)
		if got := eval[[]float64](t, b, keys); !slices.IsSorted(got) || len(got) != 60 {
			t.Errorf("ascending: %v", got)
		}
		// By the keyboard too.
		eval[any](t, b, "document.querySelectorAll('#site-table th')[0].querySelector('button').focus()")
		b.do(t, chromedp.KeyEvent("\r"))
		want(t, b, "s0", "document.querySelector('#site-table tr[data-v]').id")
		b.quiet(t)
	})

	t.Run("filter", func(t *testing.T) {
		r := drawn(t, 60)
		b.open(t, r, 1280)
		const shown = "document.querySelectorAll('#site-table tr[data-v]:not([hidden])').length"
		const chip = "document.querySelector('button[data-verdict=%s]').click()"
		count := func(v align.SiteVerdict) int {
			n := 0
			for i := range r.Sites {
				if r.Sites[i].Verdict == v {
					n++
				}
			}
			return n
		}
		want(t, b, 60, shown)
		eval[any](t, b, fmt.Sprintf(chip, "slower"))
		want(t, b, count(align.Slower), shown)
		want(t, b, fmt.Sprintf("%d of 60", count(align.Slower)), "document.getElementById('shown').textContent")
		eval[any](t, b, fmt.Sprintf(chip, "missing"))
		want(t, b, count(align.Slower)+count(align.Missing), shown)
		eval[any](t, b, "document.getElementById('filter').focus()")
		b.do(t, chromedp.KeyEvent("KERNEL_10 layer"))
		want(t, b, "s10", "[...document.querySelectorAll('#site-table tr[data-v]:not([hidden])')].map(r => r.id).join()")
		b.do(t, chromedp.KeyEvent(" nothing"))
		want(t, b, 0, shown)
		want(t, b, false, "document.getElementById('none').hidden")
		eval[any](t, b, "document.getElementById('clear').click()")
		want(t, b, 60, shown)
		want(t, b, true, "document.getElementById('none').hidden")
		// The name in full is searched, not only what is shown of it.
		b.do(t, chromedp.KeyEvent("ns::Policy<(bool)1>>(float"))
		want(t, b, 60, shown)
		b.quiet(t)
	})

	t.Run("choose", func(t *testing.T) {
		r := drawn(t, 60)
		b.open(t, r, 1280)
		detail := func(site int) {
			t.Helper()
			want(t, b, fmt.Sprintf("Site %d", site), "document.querySelector('tr.detail .site').getAttribute('aria-label')")
			want(t, b, fmt.Sprintf("s%d", site), "document.querySelector('tr.detail').previousElementSibling.id")
			want(t, b, 2, "document.querySelectorAll('tr.detail figure svg').length")
			want(t, b, 1, "document.querySelectorAll('tr.detail').length")
			want(t, b, true, fmt.Sprintf("document.querySelector('tr.detail').innerText.includes(%q)", siteName(&r.Sites[site])))
			want(t, b, "true", fmt.Sprintf("document.querySelector('#s%d .name a').getAttribute('aria-expanded')", site))
			if s := &r.Sites[site]; s.Mock != nil && s.E2E != nil { // two sides, many values
				if bins := eval[int](t, b, "document.querySelectorAll('tr.detail .bin').length"); bins < 20 {
					t.Errorf("site %d: %d bins", site, bins)
				}
				want(t, b, 2, "document.querySelectorAll('tr.detail polyline').length")
			}
		}
		const none = "document.querySelectorAll('tr.detail').length"
		eval[any](t, b, "document.querySelector('#s3 td:nth-child(3)').click()") // anywhere in the row
		detail(3)
		eval[any](t, b, "document.querySelector('#s4 .name a').focus()")
		b.do(t, chromedp.KeyEvent("\r"))
		detail(4)
		b.do(t, chromedp.KeyEvent("\u001b"))
		want(t, b, 0, none)
		want(t, b, "#n4", "document.activeElement.getAttribute('href')")
		b.do(t, chromedp.KeyEvent("\r"))
		detail(4)
		eval[any](t, b, "document.querySelector('tr.detail h3 button').click()")
		want(t, b, 0, none)
		const clickOn = "document.querySelector('%s').dispatchEvent(new MouseEvent('click', {bubbles: true}))"
		eval[any](t, b, fmt.Sprintf(clickOn, `#scatter .point[data-site="17"]`))
		detail(17)
		want(t, b, 1, "document.querySelectorAll('#scatter .chosen').length")
		want(t, b, 3, "document.querySelectorAll('#timeline .launch.chosen').length") // once in the mock, twice in the E2E
		eval[any](t, b, fmt.Sprintf(clickOn, `#timeline .launch[data-site="5"]`))
		detail(5) // missing: no plot of the mock
		b.open(t, r, 1280)
		eval[any](t, b, "location.hash = '#s20'; dispatchEvent(new HashChangeEvent('hashchange'))")
		detail(20)
		b.quiet(t)
	})

	t.Run("durations", func(t *testing.T) {
		// The table of a site lies inside of the table of sites, whose rows
		// are laid out otherwise. Its own are rows: cells in one line, each
		// under the head of its column.
		const misplaced = `(() => {
  const [head, ...rows] = [...document.querySelectorAll('tr.detail table tr')].map(row => [...row.cells].map(c => c.getBoundingClientRect()));
  const wrong = [];
  for (const row of [head, ...rows]) {
    if (row.length !== 10) wrong.push(row.length + ' cells');
    row.forEach((c, i) => {
      if (c.top !== row[0].top) wrong.push('cell ' + i + ' in another line');
      if (i && c.left < row[i - 1].right - 0.5) wrong.push('cell ' + i + ' over the one before');
      if (Math.abs(c.left - head[i].left) > 0.5) wrong.push('cell ' + i + ' not under its head');
    });
  }
  return rows.length === 2 ? wrong : ['rows: ' + rows.length];
})()`
		for _, width := range []int{1280, 800, 390} {
			b.open(t, drawn(t, 12), width)
			eval[any](t, b, "document.querySelector('#s3 .name a').click()")
			for _, wrong := range eval[[]string](t, b, misplaced) {
				t.Errorf("%d px: %s", width, wrong)
			}
		}
		b.quiet(t)
	})

	t.Run("timeline", func(t *testing.T) {
		b.open(t, drawn(t, 60), 1280)
		const rects = "document.querySelectorAll('#timeline .launch').length"
		whole := eval[int](t, b, rects)
		if whole < 100 {
			t.Errorf("%d launches drawn, want most of 175", whole)
		}
		want(t, b, true, "document.querySelectorAll('#timeline .launch.absent').length >= 3")
		want(t, b, true, "document.querySelectorAll('#timeline .band.wedge').length >= 2")
		width := eval[float64](t, b, "document.querySelector('#timeline .window svg').clientWidth")
		eval[any](t, b, "document.querySelector('[data-zoom=in]').click()")
		want(t, b, 2*width, "document.querySelector('#timeline .window svg').clientWidth")
		eval[any](t, b, "document.querySelector('[data-zoom=fit]').click()")
		want(t, b, width, "document.querySelector('#timeline .window svg').clientWidth")
		for _, axis := range []string{"busy", "order", "time"} {
			eval[any](t, b, fmt.Sprintf("document.querySelector('[data-axis=%s]').click()", axis))
			want(t, b, axis, "document.querySelector('[data-axis][aria-pressed=true]').dataset.axis")
			if n := eval[int](t, b, rects); n < 100 {
				t.Errorf("axis %s: %d launches", axis, n)
			}
		}
		b.quiet(t)
	})

	t.Run("theme", func(t *testing.T) {
		b.open(t, drawn(t, 12), 1280)
		const background = "getComputedStyle(document.body).backgroundColor"
		want(t, b, "rgb(255, 255, 255)", background)
		eval[any](t, b, "document.getElementById('theme').click(), document.getElementById('theme').click()")
		want(t, b, "rgb(15, 20, 25)", background)
		want(t, b, "Theme: dark", "document.getElementById('theme').textContent")
		eval[any](t, b, "document.getElementById('theme').click()")
		want(t, b, "Theme: auto", "document.getElementById('theme').textContent")
		b.quiet(t)
	})

	t.Run("contrast", func(t *testing.T) {
		for name, r := range pages(t) {
			b.open(t, r, 1280)
			for _, theme := range []string{"light", "dark"} {
				eval[any](t, b, fmt.Sprintf("document.documentElement.dataset.theme = %q; document.querySelector('#s3 .name a')?.click()", theme))
				for _, low := range eval[[]string](t, b, lowContrast) {
					t.Errorf("%s, %s: %s", name, theme, low)
				}
			}
		}
		b.quiet(t)
	})

	t.Run("hostile", func(t *testing.T) {
		r := hostileResult(t)
		b.open(t, r, 1280)
		const elements = "['script', 'img', 'style', 'iframe'].map(s => document.querySelectorAll(s).length).join()"
		before := eval[string](t, b, elements)
		if before != "2,0,1,0" {
			t.Errorf("scripts, images, styles, frames: %s", before)
		}
		for i := range r.Sites {
			eval[any](t, b, fmt.Sprintf("document.querySelector('#s%d .name a').click()", i))
			want(t, b, true, fmt.Sprintf("[...document.querySelectorAll('tr.detail bdi')].some(n => n.textContent === %q)", Clean(siteName(&r.Sites[i]))))
		}
		eval[any](t, b, "document.querySelector('.names .name a').click()")
		want(t, b, Clean(r.Kernels[0].Name), "document.querySelector('.names .whole').textContent")
		want(t, b, before, elements)
		want(t, b, "isolate", "getComputedStyle(document.querySelector('.name bdi')).unicodeBidi")
		b.quiet(t)
	})

	t.Run("no script", func(t *testing.T) {
		off := func(v bool) chromedp.Action[chromedp.Void] {
			return chromedp.Func(func(ctx context.Context, x *chromedp.Target) error {
				_, err := cdp.Call(ctx, x, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: v})
				return err
			})
		}
		b.do(t, off(true))
		r := drawn(t, 60)
		b.open(t, r, 1280)
		b.do(t, off(false)) // the page is there without its script; now it can be asked
		want(t, b, true, "document.documentElement.classList.contains('no-js')")
		want(t, b, 0, "[...document.querySelectorAll('.needs-js')].filter(n => n.getClientRects().length).length")
		want(t, b, 60, "[...document.querySelectorAll('#site-table tr[data-v]')].filter(n => n.getClientRects().length).length")
		for i := range r.Sites {
			text := eval[string](t, b, fmt.Sprintf("document.getElementById('s%d').textContent", i))
			for _, part := range []string{siteTimes(&r.Sites[i])[0], siteRatio(&r.Sites[i]), siteInterval(&r.Sites[i]), string(r.Sites[i].Verdict)} {
				if !strings.Contains(text, part) {
					t.Errorf("site %d: no %q in %q", i, part, text)
				}
			}
		}
		// The full name is where the short one leads.
		want(t, b, r.Sites[3].MockName, "document.querySelector(document.querySelector('#s3 .name a').hash).textContent")
		b.quiet(t)
	})

	t.Run("print", func(t *testing.T) {
		b.open(t, drawn(t, 60), 1280)
		eval[any](t, b, "document.documentElement.dataset.theme = 'dark'; addEventListener('beforeprint', () => { window.opened = document.querySelectorAll('details:not([open])').length })")
		pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(pdf), "%PDF") || len(pdf) < 20_000 {
			t.Errorf("%d bytes, beginning with %.8q", len(pdf), pdf)
		}
		want(t, b, 0, "window.opened") // all is open on paper
		want(t, b, 1, "document.querySelectorAll('details:not([open])').length")
		b.do(t, chromedp.Func(func(ctx context.Context, x *chromedp.Target) error {
			_, err := cdp.Call(ctx, x, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print"})
			return err
		}))
		want(t, b, "rgb(255, 255, 255)", "getComputedStyle(document.body).backgroundColor")
		want(t, b, 0, "[...document.querySelectorAll('.bar, .tools, #copy')].filter(n => n.getClientRects().length).length")
		b.do(t, chromedp.Func(func(ctx context.Context, x *chromedp.Target) error {
			_, err := cdp.Call(ctx, x, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{})
			return err
		}))
		b.quiet(t)
	})

	t.Run("many sites", func(t *testing.T) {
		b.open(t, drawn(t, 5000), 1280)
		want(t, b, 5000, "document.querySelectorAll('#site-table tr[data-v]').length")
		if n := eval[int](t, b, "document.querySelectorAll('#timeline svg *').length"); n > 20_000 {
			t.Errorf("%d elements in the timeline", n)
		}
		eval[any](t, b, "document.querySelectorAll('#site-table th')[6].querySelector('button').click()")
		eval[any](t, b, "document.getElementById('filter').value = 'kernel_96'; document.getElementById('filter').dispatchEvent(new Event('input'))")
		want(t, b, 51, "document.querySelectorAll('#site-table tr[data-v]:not([hidden])').length")
		eval[any](t, b, "document.querySelector('#s4946 .name a').click()")
		want(t, b, 2, "document.querySelectorAll('tr.detail figure svg').length")
		b.quiet(t)
	})
}

// lowContrast lists text whose contrast with what is behind it is below that
// of WCAG 2.2, 1.4.3 (AA): 4.5, or 3 for large text. Text inside of drawn
// boxes stands on them, not on what is behind the drawing, and is left out.
const lowContrast = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const luminance = ([r, g, b]) => {
    const f = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const low = new Set();
  for (const node of document.querySelectorAll('body *')) {
    if (![...node.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !node.getClientRects().length) continue;
    if (node.closest('.in, title, script, style')) continue;
    const style = getComputedStyle(node);
    if (style.clipPath !== 'none') continue;
    let behind = node;
    while (behind && rgba(getComputedStyle(behind).backgroundColor)[3] < 128) behind = behind.parentElement;
    const a = luminance(rgba(node instanceof SVGElement ? style.fill : style.color)), b = luminance(rgba(behind ? getComputedStyle(behind).backgroundColor : '#fff'));
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize), large = size >= 24 || size >= 18.66 && style.fontWeight >= 700;
    if (contrast < (large ? 3 : 4.5)) low.add(node.tagName + '.' + (node.getAttribute('class') || '') + ' ' + contrast.toFixed(2) + ': ' + node.textContent.slice(0, 40));
  }
  return [...low].slice(0, 10);
})()`
