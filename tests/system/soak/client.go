// Steady load with an account of every request: by turns over h1 and h2, by turns GET and POST, each with an id in X-Id.
//
//	client URL CA-FILE REQUESTS-PER-SECOND
//
// Ends on SIGINT, once each request has its outcome: lines "PROTOCOL METHOD ID STATUS" on standard output, where the status
// is 0 if there was no answer; why is on standard error.
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"time"
)

type outcome struct {
	protocol, method string
	id, status       int
}

func client(trusted *x509.CertPool, h2 bool) *http.Client {
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: trusted},
		ForceAttemptHTTP2:   h2,
		MaxIdleConnsPerHost: 256,
		DisableCompression:  true,
	}
	if !h2 { // an empty table keeps it from offering h2
		transport.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	}
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func ask(over *http.Client, url, method string, id int) (int, error) {
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader("once")
	}
	request, err := http.NewRequest(method, url, body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("X-Id", strconv.Itoa(id))
	answer, err := over.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	return answer.StatusCode, nil
}

func main() {
	url := os.Args[1]
	pem, err := os.ReadFile(os.Args[2])
	if err != nil {
		panic(err)
	}
	rate, err := strconv.Atoi(os.Args[3])
	if err != nil {
		panic(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(pem)
	clients := map[string]*http.Client{"h1": client(trusted, false), "h2": client(trusted, true)}
	kinds := [][2]string{{"h1", "GET"}, {"h2", "GET"}, {"h1", "POST"}, {"h2", "POST"}}

	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, os.Interrupt)
	var outcomes []outcome
	var guard sync.Mutex
	var asking sync.WaitGroup
	begin := time.Now()
	for id := 0; len(stopped) == 0; id++ {
		time.Sleep(time.Until(begin.Add(time.Duration(id) * time.Second / time.Duration(rate))))
		protocol, method := kinds[id%len(kinds)][0], kinds[id%len(kinds)][1]
		asking.Add(1)
		go func() {
			defer asking.Done()
			status, err := ask(clients[protocol], url, method, id)
			if err != nil {
				fmt.Fprintf(os.Stderr, "  %s %s %d: %v\n", protocol, method, id, err)
			}
			guard.Lock()
			outcomes = append(outcomes, outcome{protocol, method, id, status})
			guard.Unlock()
		}()
	}
	asking.Wait()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, o := range outcomes {
		fmt.Fprintln(out, o.protocol, o.method, o.id, o.status)
	}
}
