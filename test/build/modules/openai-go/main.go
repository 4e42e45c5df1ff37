// Streams one chat answer with the old or the new version of OpenAI's client for Go, and prints what it has read as JSON:
//
//	openai-go old|new URL
package main

import (
	"context"
	"encoding/json"
	"os"

	old "github.com/openai/openai-go"
	oldoption "github.com/openai/openai-go/option"
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

type outcome struct {
	Text  string `json:"text"`
	Error string `json:"error,omitempty"`
}

func main() {
	read := map[string]func(string) outcome{"old": withOld, "new": withNew}[os.Args[1]]
	json.NewEncoder(os.Stdout).Encode(read(os.Args[2]))
}

func withOld(url string) (read outcome) {
	client := old.NewClient(oldoption.WithBaseURL(url), oldoption.WithAPIKey("none"), oldoption.WithMaxRetries(0))
	stream := client.Chat.Completions.NewStreaming(context.Background(), old.ChatCompletionNewParams{
		Model:    "m",
		Messages: []old.ChatCompletionMessageParamUnion{old.UserMessage("Hi")},
	})
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			read.Text += choice.Delta.Content
		}
	}
	if err := stream.Err(); err != nil {
		read.Error = err.Error()
	}
	return read
}

func withNew(url string) (read outcome) {
	client := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey("none"), option.WithMaxRetries(0))
	stream := client.Chat.Completions.NewStreaming(context.Background(), openai.ChatCompletionNewParams{
		Model:    "m",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Hi")},
	})
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			read.Text += choice.Delta.Content
		}
	}
	if err := stream.Err(); err != nil {
		read.Error = err.Error()
	}
	return read
}
