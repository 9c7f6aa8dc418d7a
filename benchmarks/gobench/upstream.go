package main

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"path"
	"strconv"
	"time"
)

const reply = `{"id":"req_0123456789","object":"message","content":"a small JSON answer of the usual size","usage":{"in":12,"out":34}}`

const escaped = `{"text":"a \"quoted\" line\nand \u00e9 another, C:\\dir, https:\/\/example.com\/a%20b","n":17},`

// upstream serves, over TLS: / (small JSON, only with the injected credential), /bytes/N, /escaped/N
// (JSON full of escapes), /sink (answers with the count of bytes read) and /sse?rate=R&n=N (events that carry their send time).
func upstream(args []string) error {
	flags := flag.NewFlagSet("upstream", flag.ExitOnError)
	cert, key := flags.String("cert", "", "PEM"), flags.String("key", "", "PEM")
	credential := flags.String("credential", "", "the Authorization value that must arrive")
	_ = flags.Parse(args)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if *credential != "" && r.Header.Get("Authorization") != *credential && r.Header.Get("X-Direct") == "" {
			http.Error(w, "credential missing", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, reply)
	})
	mux.HandleFunc("/bytes/", repeating(make([]byte, 64<<10)))
	mux.HandleFunc("/escaped/", repeating(bytes.Repeat([]byte(escaped), 512)))
	mux.HandleFunc("/sink", func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		fmt.Fprintf(w, "%d", n)
	})
	mux.HandleFunc("/sse", events)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready", listener.Addr())
	server := &http.Server{Handler: mux, TLSNextProto: noHTTP2()}
	return server.ServeTLS(listener, *cert, *key)
}

// repeating answers /…/N with N bytes, the block again and again.
func repeating(block []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.ParseInt(path.Base(r.URL.Path), 10, 64)
		w.Header().Set("Content-Length", strconv.FormatInt(n, 10))
		w.Header().Set("Content-Type", "application/json")
		for n > 0 {
			m := min(n, int64(len(block)))
			if _, err := w.Write(block[:m]); err != nil {
				return
			}
			n -= m
		}
	}
}

func events(w http.ResponseWriter, r *http.Request) {
	rate, _ := strconv.Atoi(r.URL.Query().Get("rate"))
	n, _ := strconv.Atoi(r.URL.Query().Get("n"))
	w.Header().Set("Content-Type", "text/event-stream")
	flusher := w.(http.Flusher)
	flusher.Flush()
	ticker := time.NewTicker(time.Second / time.Duration(max(rate, 1)))
	defer ticker.Stop()
	for range n {
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
		fmt.Fprintf(w, "data: %d\n\n", time.Now().UnixNano())
		flusher.Flush()
	}
}
