package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// target says how to reach the upstream: directly, or by CONNECT through a proxy, and what to ask it.
type target struct {
	host, proxy, path, body string
	auths                   []string // connections take them in turn
	tls                     *tls.Config
	dialled                 *atomic.Int64
}

// figures is the one JSON object that a run prints.
type figures map[string]float64

func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	mode := flags.String("mode", "throughput", "throughput|latency|connects|newhosts|sse|download|upload|hold")
	host := flags.String("host", "", "upstream host:port")
	proxyAddr := flags.String("proxy", "", "proxy host:port; none: direct")
	auth := flags.String("auth", "", "proxy user:password; @FILE: one a line, for connections in turn")
	path := flags.String("path", "/v1/messages", "target of a small request and of a download")
	body := flags.String("body", "", "JSON body of a small request, which is then a POST")
	ca := flags.String("ca", "", "PEM of the root to trust")
	c := flags.Int("c", 16, "connections")
	seconds := flags.Float64("seconds", 3, "duration")
	rate := flags.Int("rate", 200, "requests/s (latency), events/s (sse)")
	size := flags.Int64("size", 10<<20, "bytes (download, upload)")
	_ = flags.Parse(args)
	pool, err := roots(*ca)
	if err != nil {
		return err
	}
	auths, err := credentials(*auth)
	if err != nil {
		return err
	}
	t := target{host: *host, proxy: *proxyAddr, path: *path, body: *body, auths: auths, dialled: new(atomic.Int64),
		tls: &tls.Config{
			RootCAs: pool, ServerName: strings.Split(*host, ":")[0], NextProtos: []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(0)}}
	length := time.Duration(*seconds * float64(time.Second))
	modes := map[string]func() (figures, error){
		"throughput": func() (figures, error) { return throughput(t, *c, length) },
		"latency":    func() (figures, error) { return latency(t, *c, *rate, length) },
		"connects":   func() (figures, error) { return connects(t, *c, length) },
		"newhosts":   func() (figures, error) { return newHosts(t, length) },
		"sse":        func() (figures, error) { return sse(t, *c, *rate, length) },
		"download":   func() (figures, error) { return transfer(t, *c, *size, length, false) },
		"upload":     func() (figures, error) { return transfer(t, *c, *size, length, true) },
		"hold":       func() (figures, error) { return hold(t, *c) },
	}
	run, ok := modes[*mode]
	if !ok {
		return errors.New("unknown mode " + *mode)
	}
	result, err := run()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func credentials(auth string) ([]string, error) {
	name, isFile := strings.CutPrefix(auth, "@")
	if !isFile {
		return []string{auth}, nil
	}
	text, err := os.ReadFile(name)
	return strings.Fields(string(text)), err
}

// client is one connection: TLS to the upstream, inside a tunnel when there is a proxy.
type client struct {
	conn   net.Conn
	reader *bufio.Reader
	small  []byte
}

func (t target) dial() (*client, error) {
	address := t.host
	if t.proxy != "" {
		address = t.proxy
	}
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if t.proxy != "" {
		if err := t.connect(conn); err != nil {
			conn.Close()
			return nil, err
		}
	}
	secure := tls.Client(conn, t.tls)
	if err := secure.Handshake(); err != nil {
		conn.Close()
		return nil, err
	}
	direct := ""
	if t.proxy == "" {
		direct = "X-Direct: 1\r\n"
	}
	method, framing := "GET", ""
	if t.body != "" {
		method, framing = "POST", "Content-Type: application/json\r\nContent-Length: "+strconv.Itoa(len(t.body))+"\r\n"
	}
	small := method + " " + t.path + " HTTP/1.1\r\nHost: " + t.host + "\r\nUser-Agent: gobench\r\nAccept: */*\r\n" +
		"Authorization: Bearer placeholder\r\n" + direct + framing + "\r\n" + t.body
	return &client{conn: secure, reader: bufio.NewReaderSize(secure, 64<<10), small: []byte(small)}, nil
}

func (t target) connect(conn net.Conn) error {
	request := "CONNECT " + t.host + " HTTP/1.1\r\nHost: " + t.host + "\r\n"
	if auth := t.auths[int(t.dialled.Add(1))%len(t.auths)]; auth != "" {
		request += "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(auth)) + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return err
	}
	// Byte by byte up to the blank line: nothing of the TLS that follows may be read here.
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if _, err := conn.Read(one); err != nil {
			return err
		}
		head = append(head, one[0])
	}
	if !bytes.Contains(head[:min(len(head), 16)], []byte(" 200")) {
		return fmt.Errorf("CONNECT refused: %s", bytes.SplitN(head, []byte("\r\n"), 2)[0])
	}
	return nil
}

// get sends the small request and reads its answer whole.
func (c *client) get() error {
	if _, err := c.conn.Write(c.small); err != nil {
		return err
	}
	return c.answer()
}

func (c *client) answer() error {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("answered %s", bytes.TrimSpace(line))
	}
	length := -1
	for {
		line, err = c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if len(line) > 16 && strings.EqualFold(string(line[:15]), "content-length:") {
			length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:])))
			if err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("answer without Content-Length")
	}
	_, err = c.reader.Discard(length)
	return err
}

// each runs one goroutine a connection and returns the first error.
func each(n int, work func(i int) error) error {
	var group sync.WaitGroup
	problems := make(chan error, n)
	for i := range n {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := work(i); err != nil {
				problems <- err
			}
		}()
	}
	group.Wait()
	close(problems)
	return <-problems
}

// gate holds connections back until all are there, and tells whoever reads our output.
type gate struct {
	waiting sync.WaitGroup
	once    sync.Once
	start   time.Time
}

func newGate(n int) *gate {
	g := &gate{}
	g.waiting.Add(n)
	return g
}

// pass waits for the others; each connection calls it once, whether or not it could be made.
func (g *gate) pass() time.Time {
	g.waiting.Done()
	g.waiting.Wait()
	g.once.Do(func() { g.start = time.Now(); fmt.Println(`"started"`) })
	return g.start
}

func throughput(t target, n int, length time.Duration) (figures, error) {
	var count atomic.Int64
	gate := newGate(n)
	err := each(n, func(int) error {
		c, err := t.dial()
		if err == nil {
			err = c.get()
		}
		start := gate.pass()
		if err != nil {
			return err
		}
		defer c.conn.Close()
		for time.Since(start) < length {
			if err := c.get(); err != nil {
				return err
			}
			count.Add(1)
		}
		return nil
	})
	return figures{"per_second": float64(count.Load()) / length.Seconds()}, err
}

func latency(t target, n, rate int, length time.Duration) (figures, error) {
	var lock sync.Mutex
	var all []float64
	gap := time.Second * time.Duration(n) / time.Duration(rate)
	err := each(n, func(i int) error {
		c, err := t.dial()
		if err == nil {
			err = c.get()
		}
		if err != nil {
			return err
		}
		defer c.conn.Close()
		var mine []float64
		next := time.Now().Add(gap * time.Duration(i) / time.Duration(n))
		for end := time.Now().Add(length); next.Before(end); next = next.Add(gap) {
			time.Sleep(time.Until(next))
			begin := time.Now()
			if err := c.get(); err != nil {
				return err
			}
			mine = append(mine, float64(time.Since(begin).Microseconds()))
		}
		lock.Lock()
		all = append(all, mine...)
		lock.Unlock()
		return nil
	})
	return quantiles(all, "us"), err
}

func quantiles(values []float64, unit string) figures {
	if len(values) == 0 {
		return figures{}
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[min(len(values)-1, int(q*float64(len(values))))] }
	return figures{"p50_" + unit: at(0.5), "p99_" + unit: at(0.99), "count": float64(len(values))}
}

func connects(t target, n int, length time.Duration) (figures, error) {
	var count atomic.Int64
	t.tls = t.tls.Clone()
	t.tls.ClientSessionCache = nil // a new connection is a full handshake
	start := time.Now()
	err := each(n, func(int) error {
		for time.Since(start) < length {
			c, err := t.dial()
			if err == nil {
				err = c.get()
				c.conn.Close()
			}
			if err != nil {
				return err
			}
			count.Add(1)
		}
		return nil
	})
	return figures{"per_second": float64(count.Load()) / length.Seconds()}, err
}

// newHosts asks for one small answer each of hosts that nobody has asked for before; `host` begins
// with `*.`.
func newHosts(t target, length time.Duration) (figures, error) {
	var all []float64
	_, rest, _ := strings.Cut(t.host, "*.")
	mark := time.Now().UnixNano()
	for start := time.Now(); time.Since(start) < length; {
		one := t
		one.host = fmt.Sprintf("h%d-%d.%s", mark, len(all), rest)
		one.tls = t.tls.Clone()
		one.tls.ServerName = strings.Split(one.host, ":")[0]
		begin := time.Now()
		c, err := one.dial()
		if err != nil {
			return nil, err
		}
		if err := c.get(); err != nil {
			return nil, err
		}
		all = append(all, float64(time.Since(begin).Microseconds()))
		c.conn.Close()
	}
	return quantiles(all, "us"), nil
}

func sse(t target, n, rate int, length time.Duration) (figures, error) {
	var lock sync.Mutex
	var all []float64
	events := int(length.Seconds() * float64(rate))
	gate := newGate(n)
	err := each(n, func(int) error {
		c, err := t.dial()
		gate.pass()
		if err != nil {
			return err
		}
		defer c.conn.Close()
		fmt.Fprintf(c.conn, "GET /sse?rate=%d&n=%d HTTP/1.1\r\nHost: %s\r\nAccept: text/event-stream\r\n\r\n", rate, events, t.host)
		response, err := http.ReadResponse(c.reader, nil)
		if err != nil {
			return err
		}
		var mine []float64
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if sent, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				at, _ := strconv.ParseInt(sent, 10, 64)
				mine = append(mine, float64(time.Now().UnixNano()-at)/1e3)
			}
		}
		lock.Lock()
		all = append(all, mine...)
		lock.Unlock()
		return lines.Err()
	})
	result := quantiles(all, "us")
	result["lost"] = float64(n*events - len(all))
	return result, err
}

func transfer(t target, n int, size int64, length time.Duration, up bool) (figures, error) {
	var total atomic.Int64
	transport := &http.Transport{TLSClientConfig: t.tls, MaxIdleConnsPerHost: n, DisableCompression: true}
	transport.DialTLSContext = func(context.Context, string, string) (net.Conn, error) {
		c, err := t.dial()
		if err != nil {
			return nil, err
		}
		return c.conn, nil
	}
	web := &http.Client{Transport: transport}
	start := time.Now()
	err := each(n, func(int) error {
		for time.Since(start) < length {
			moved, err := one(web, t, size, up)
			if err != nil {
				return err
			}
			total.Add(moved)
		}
		return nil
	})
	return figures{"mb_per_second": float64(total.Load()) / 1e6 / time.Since(start).Seconds()}, err
}

func one(web *http.Client, t target, size int64, up bool) (int64, error) {
	if up {
		body := io.LimitReader(zeros{}, size)
		request, err := http.NewRequest(http.MethodPost, "https://"+t.host+"/sink", body)
		if err != nil {
			return 0, err
		}
		request.ContentLength = size
		response, err := web.Do(request)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err == nil && string(text) != strconv.FormatInt(size, 10) {
			err = fmt.Errorf("upstream counted %s of %d bytes", text, size)
		}
		return size, err
	}
	response, err := web.Get(fmt.Sprintf("https://%s%s/%d", t.host, t.path, size))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	moved, err := io.Copy(io.Discard, response.Body)
	if err == nil && moved != size {
		err = fmt.Errorf("got %d of %d bytes", moved, size)
	}
	return moved, err
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// hold opens n connections, sends one request on each, says so and waits for stdin to close.
func hold(t target, n int) (figures, error) {
	clients := make([]*client, n)
	for i := range n {
		c, err := t.dial()
		if err == nil {
			err = c.get()
		}
		if err != nil {
			return nil, err
		}
		clients[i] = c
	}
	fmt.Println(`{"held": ` + strconv.Itoa(n) + `}`)
	_, _ = io.Copy(io.Discard, os.Stdin)
	for _, c := range clients {
		c.conn.Close()
	}
	return figures{}, nil
}
