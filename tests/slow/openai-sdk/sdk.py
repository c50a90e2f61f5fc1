"""The official SDK of the completions API talks to the daemon. Prints what it saw, a line each."""

import os

import openai

client = openai.OpenAI(
    base_url=os.environ["URL"] + "/v1", api_key=os.environ["KEY"], max_retries=0, timeout=60
)
question = [{"role": "user", "content": "What is the capital of France?"}]

print("models", ",".join(model.id for model in client.models.list()))
print("model", client.models.retrieve("mock").owned_by)

whole = client.chat.completions.create(model="mock", messages=question)
text = whole.choices[0].message.content
print("whole", text)
print("finish", whole.choices[0].finish_reason)
print("usage", whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens)

transcript = [
    *question,
    {"role": "assistant", "content": text},
    {"role": "user", "content": "Count from one."},
]
with client.chat.completions.stream(
    model="mock/gpt-4o", messages=transcript, stream_options={"include_usage": True}
) as stream:
    pieces = [event.delta for event in stream if event.type == "content.delta"]
    final = stream.get_final_completion()
print("pieces", len(pieces) > 1)
print("streamed", "".join(pieces).split()[-1], final.choices[0].message.content.split()[-1])
print("stream usage", final.usage.total_tokens > 0)

raw = client.chat.completions.with_raw_response.create(
    model="mock", messages=question, tool_choice="none"
)
print("conversation", raw.headers["x-lukhas-conversation"].startswith("conv_"))

for name, arguments in {
    "unknown model": {"model": "gpt-9", "messages": question},
    "two answers": {"model": "mock", "messages": question, "n": 2},
    "image": {
        "model": "mock",
        "messages": [
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}],
            }
        ],
    },
}.items():
    try:
        client.chat.completions.create(**arguments)
        print(name, "was answered")
    except openai.APIStatusError as error:
        print(name, type(error).__name__, error.param)

stranger = openai.OpenAI(base_url=os.environ["URL"] + "/v1", api_key="wrong", max_retries=0)
try:
    stranger.models.list()
    print("stranger was let in")
except openai.AuthenticationError as error:
    print("stranger", error.status_code)
