// Command gopromql reads expressions in PromQL, each a JSON string on a line of its own, and answers each with a line:
// a JSON string that says why Prometheus would not read it, or null. The parser is Prometheus' own.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	log.SetFlags(0)
	questions, answers := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	reader := parser.NewParser(parser.Options{})
	for {
		var expression string
		if err := questions.Decode(&expression); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			log.Fatal(err)
		}
		var answer any
		if _, err := reader.ParseExpr(expression); err != nil {
			answer = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			log.Fatal(err)
		}
	}
}
