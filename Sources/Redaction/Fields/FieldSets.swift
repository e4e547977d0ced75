/// Where inference hosts log what people said and what models answered. Roles, models, counts and reasons stay.
package enum FieldSet: String, CaseIterable, Sendable {
    /// Bodies of OpenAI's API and of those that speak it: chat, completions, responses; Anthropic's too.
    case openai
    /// OpenTelemetry's conventions for generative AI, in attributes and events, and Traceloop's.
    case otelGenAI = "otel_genai"
    case openInference = "openinference"

    package var paths: [String] {
        switch self {
        case .openai:
            [
                "messages[*].content", "prompt", "input", "instructions", "system", "suffix", "choices[*].message.content",
                "choices[*].message.reasoning_content", "choices[*].delta.content", "choices[*].delta.reasoning_content",
                "choices[*].text", "tool_calls[*].function.arguments", "function_call.arguments", "output[*].content",
                "output[*].arguments", "output_text", "completion",
            ]
        case .otelGenAI:
            [
                "gen_ai.prompt", "gen_ai.completion", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions",
                "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.event.content", "gen_ai.prompt[*].content",
                "gen_ai.completion[*].content", "gen_ai.prompt[*].tool_calls[*].arguments", "gen_ai.completion[*].tool_calls[*].arguments",
                "traceloop.entity.input", "traceloop.entity.output",
            ]
        case .openInference:
            [
                "input.value", "output.value", "llm.prompts", "llm.input_messages[*].message.content", "llm.output_messages[*].message.content",
                "llm.input_messages[*].message.contents", "llm.output_messages[*].message.contents",
                "llm.input_messages[*].message.contents[*].message_content.text", "llm.output_messages[*].message.contents[*].message_content.text",
                "llm.input_messages[*].message.tool_calls[*].tool_call.function.arguments",
                "llm.output_messages[*].message.tool_calls[*].tool_call.function.arguments", "llm.prompt_template.variables",
                "retrieval.documents[*].document.content", "embedding.embeddings[*].embedding.text",
            ]
        }
    }
}
