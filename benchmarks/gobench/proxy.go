package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"flag"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func noHTTP2() map[string]func(*http.Server, *tls.Conn, http.Handler) {
	return map[string]func(*http.Server, *tls.Conn, http.Handler){}
}

// mitm is a tuned proxy of the standard library: CONNECT, leaf per host, credential injected,
// hundreds of idle upstream connections, bodies streamed.
type mitm struct {
	root       tls.Certificate
	rootCert   *x509.Certificate
	leafKey    *ecdsa.PrivateKey
	leaves     sync.Map
	transport  *http.Transport
	credential string
}

func proxy(args []string) error {
	flags := flag.NewFlagSet("proxy", flag.ExitOnError)
	cert, key := flags.String("cert", "", "root certificate"), flags.String("key", "", "root key")
	upstreamCA := flags.String("upstream-ca", "", "extra root")
	credential := flags.String("credential", "", "Authorization value to inject")
	connectTo := flags.String("connect-to", "", "host:port to dial whatever the request's host")
	_ = flags.Parse(args)
	root, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(root.Certificate[0])
	if err != nil {
		return err
	}
	pool, err := roots(*upstreamCA)
	if err != nil {
		return err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	m := &mitm{root: root, rootCert: parsed, leafKey: leafKey, credential: *credential,
		transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool}, MaxIdleConnsPerHost: 512, MaxIdleConns: 2048,
			DisableCompression: true, ForceAttemptHTTP2: false,
		}}
	if *connectTo != "" {
		m.transport.DialContext = func(c context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(c, network, *connectTo)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("ready", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		go m.serve(conn)
	}
}

func roots(file string) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if file == "" {
		return pool, nil
	}
	pem, err := os.ReadFile(file)
	if err == nil && !pool.AppendCertsFromPEM(pem) {
		err = fmt.Errorf("%s: no certificate", file)
	}
	return pool, err
}

func (m *mitm) serve(conn net.Conn) {
	defer conn.Close()
	connect, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil || connect.Method != http.MethodConnect {
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	host, _, _ := net.SplitHostPort(connect.Host)
	leaf, err := m.leaf(host)
	if err != nil {
		return
	}
	client := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*leaf}})
	reader, writer := bufio.NewReader(client), bufio.NewWriter(client)
	for m.exchange(connect.Host, reader, writer) {
	}
}

func (m *mitm) exchange(host string, reader *bufio.Reader, writer *bufio.Writer) bool {
	request, err := http.ReadRequest(reader)
	if err != nil {
		return false
	}
	request.URL.Scheme, request.URL.Host, request.RequestURI = "https", host, ""
	request.Header.Set("Authorization", m.credential)
	response, err := m.transport.RoundTrip(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		return stream(response, writer)
	}
	return response.Write(writer) == nil && writer.Flush() == nil && !request.Close
}

// stream sends each piece as it comes; response.Write would hold events back in its buffer.
func stream(response *http.Response, writer *bufio.Writer) bool {
	fmt.Fprintf(writer, "HTTP/1.1 %s\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n", response.Status)
	block := make([]byte, 16<<10)
	for {
		n, err := response.Body.Read(block)
		if n > 0 {
			fmt.Fprintf(writer, "%x\r\n", n)
			_, _ = writer.Write(block[:n])
			_, _ = io.WriteString(writer, "\r\n")
		}
		if err != nil {
			_, _ = io.WriteString(writer, "0\r\n\r\n")
		}
		if writer.Flush() != nil || err != nil {
			return err == io.EOF
		}
	}
}

func (m *mitm) leaf(host string) (*tls.Certificate, error) {
	if found, ok := m.leaves.Load(host); ok {
		return found.(*tls.Certificate), nil
	}
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(23 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, m.rootCert, &m.leafKey.PublicKey, m.root.PrivateKey)
	if err != nil {
		return nil, err
	}
	leaf := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: m.leafKey}
	m.leaves.Store(host, leaf)
	return leaf, nil
}
