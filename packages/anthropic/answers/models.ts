/** Models as GET /v1/models of Anthropic's API lists them: all of them on one page. */

type Listed = {
  readonly id: string;
  readonly createdSeconds: number;
  readonly facts?: { readonly contextTokens?: number };
};

export function modelInfo({ id, createdSeconds, facts }: Listed) {
  return {
    type: "model",
    id,
    display_name: id,
    created_at: new Date(createdSeconds * 1000).toISOString(),
    ...(facts?.contextTokens !== undefined && { max_input_tokens: facts.contextTokens }),
  } as const;
}

export function modelPage(models: readonly Listed[]) {
  const data = models.map(modelInfo);
  return {
    data,
    has_more: false,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
