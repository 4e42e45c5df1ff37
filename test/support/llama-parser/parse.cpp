// llama.cpp's own reader of calls, as a program: a line of JSON in, a line of JSON out.
//
//   {"template": "…", "tools": […], "texts": […]}  ->  {"answers": [{"calls": [{"name": "…", "arguments": "…"}], "content": "…"} or {"error": "…"}]}
//
// Every text is a whole answer of a model with this template that was asked with these tools.
#include "chat.h"
#include "json.h"

#include <iostream>

static common_chat_parser_params parser_of(const common_json & asked) {
    auto templates = common_chat_templates_init(nullptr, asked.at("template").get<std::string>(), "<s>", "</s>");
    common_chat_templates_inputs inputs;
    inputs.messages = common_chat_msgs_parse_oaicompat(common_json::parse(R"([{"role": "user", "content": "Hi"}])"));
    inputs.tools = common_chat_tools_parse_oaicompat(asked.at("tools"));
    inputs.parallel_tool_calls = true;
    inputs.enable_thinking = false;
    inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    const auto applied = common_chat_templates_apply(templates.get(), inputs);
    common_chat_parser_params parser(applied);
    parser.reasoning_format = inputs.reasoning_format;
    if (!applied.parser.empty()) parser.parser.load(applied.parser);
    return parser;
}

static common_json read(const std::string & text, const common_chat_parser_params & parser) {
    try {
        const auto message = common_chat_parse(text, false, parser);
        auto calls = common_json::array();
        for (const auto & call : message.tool_calls) {
            calls.push_back({{"name", call.name}, {"arguments", call.arguments}});
        }
        return common_json::object({{"calls", calls}, {"content", message.content}});
    } catch (const std::exception & error) {
        return common_json::object({{"error", std::string(error.what())}});
    }
}

int main() {
    for (std::string line; std::getline(std::cin, line);) {
        auto answers = common_json::array();
        try {
            const auto asked = common_json::parse(line);
            const auto parser = parser_of(asked);
            for (const auto & text : asked.at("texts")) answers.push_back(read(text.get<std::string>(), parser));
            std::cout << common_json::object({{"answers", answers}}).dump_safe() << std::endl;
        } catch (const std::exception & error) {
            std::cout << common_json::object({{"error", std::string(error.what())}}).dump_safe() << std::endl;
        }
    }
}
