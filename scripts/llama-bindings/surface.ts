/** What packages/llama calls of llama.cpp. A function is bound when its name is here, and only then. */

export const FUNCTIONS = words(`
  ggml_is_empty ggml_backend_load_all_from_path ggml_backend_dev_count ggml_backend_dev_get
  ggml_backend_dev_get_props ggml_backend_dev_buffer_type
  ggml_backend_reg_by_name ggml_backend_reg_get_proc_address ggml_threadpool_params_init

  ggml_init ggml_free ggml_tensor_overhead ggml_graph_overhead ggml_new_tensor_1d ggml_soft_max ggml_get_data
  ggml_new_graph ggml_build_forward_expand
  ggml_backend_init_by_type ggml_backend_free ggml_backend_graph_compute

  llama_version llama_backend_init llama_numa_init llama_log_set llama_print_system_info
  llama_max_devices llama_max_parallel_sequences llama_supports_mmap llama_supports_mlock llama_supports_gpu_offload
  llama_model_default_params llama_context_default_params llama_sampler_chain_default_params

  llama_model_load_from_file llama_model_free llama_model_get_vocab
  llama_model_rope_type llama_model_n_ctx_train llama_model_n_embd llama_model_n_embd_inp llama_model_n_embd_out
  llama_model_n_layer llama_model_n_layer_nextn llama_model_n_head llama_model_n_head_kv llama_model_n_swa
  llama_model_rope_freq_scale_train llama_model_n_cls_out llama_model_cls_label llama_model_meta_count
  llama_model_meta_key_by_index llama_model_meta_val_str_by_index llama_model_desc
  llama_model_ftype llama_ftype_name llama_model_size llama_model_n_params llama_model_chat_template
  llama_model_has_encoder llama_model_has_decoder llama_model_is_recurrent
  llama_model_is_hybrid llama_model_is_diffusion

  llama_vocab_type llama_vocab_n_tokens llama_vocab_get_text llama_vocab_get_score llama_vocab_get_attr
  llama_vocab_is_eog llama_vocab_is_control llama_vocab_bos llama_vocab_eos llama_vocab_eot llama_vocab_sep
  llama_vocab_nl llama_vocab_pad llama_vocab_mask llama_vocab_get_add_bos llama_vocab_get_add_eos
  llama_vocab_get_add_sep llama_vocab_fim_pre llama_vocab_fim_suf llama_vocab_fim_mid llama_vocab_fim_pad
  llama_vocab_fim_rep llama_vocab_fim_sep llama_tokenize llama_token_to_piece llama_detokenize

  llama_init_from_model llama_free llama_n_ctx llama_n_ctx_seq llama_n_batch llama_n_ubatch llama_n_seq_max
  llama_get_memory llama_pooling_type llama_n_threads llama_n_threads_batch llama_set_n_threads
  llama_attach_threadpool llama_detach_threadpool
  llama_set_embeddings llama_set_causal_attn llama_encode llama_decode
  llama_get_logits_ith llama_get_embeddings_ith llama_get_embeddings_seq
  llama_perf_context llama_perf_context_reset

  llama_memory_clear llama_memory_seq_rm llama_memory_seq_cp llama_memory_seq_add
  llama_memory_seq_div llama_memory_seq_pos_min llama_memory_seq_pos_max llama_memory_can_shift
  llama_state_seq_get_size_ext llama_state_seq_get_data_ext llama_state_seq_set_data_ext

  llama_adapter_lora_init llama_adapter_lora_free llama_set_adapters_lora llama_adapter_meta_count
  llama_adapter_meta_key_by_index llama_adapter_meta_val_str_by_index llama_adapter_get_alora_n_invocation_tokens
  llama_adapter_get_alora_invocation_tokens

  llama_sampler_chain_init llama_sampler_chain_add llama_sampler_chain_get llama_sampler_free llama_sampler_clone
  llama_sampler_reset llama_sampler_accept llama_sampler_apply llama_sampler_sample
  llama_perf_sampler llama_perf_sampler_reset
  llama_sampler_init_greedy llama_sampler_init_dist llama_sampler_init_top_k llama_sampler_init_top_p
  llama_sampler_init_min_p llama_sampler_init_typical llama_sampler_init_temp llama_sampler_init_temp_ext
  llama_sampler_init_xtc llama_sampler_init_top_n_sigma llama_sampler_init_mirostat llama_sampler_init_mirostat_v2
  llama_sampler_init_grammar llama_sampler_init_grammar_lazy_patterns llama_sampler_init_penalties
  llama_sampler_init_dry llama_sampler_init_adaptive_p llama_sampler_init_logit_bias llama_sampler_init_infill
`);

/** Of libmtmd, which is a library of its own and may not be there. */
export const VISION_FUNCTIONS = words(`
  mtmd_context_params_default mtmd_init_from_file mtmd_free mtmd_log_set mtmd_default_marker
  mtmd_support_vision mtmd_support_audio mtmd_get_audio_sample_rate mtmd_decode_use_non_causal mtmd_decode_use_mrope
  mtmd_bitmap_init mtmd_bitmap_init_from_audio mtmd_bitmap_free
  mtmd_input_chunks_init mtmd_input_chunks_size mtmd_input_chunks_get mtmd_input_chunks_free
  mtmd_tokenize mtmd_input_chunk_get_type mtmd_input_chunk_get_tokens_text mtmd_input_chunk_get_tokens_image
  mtmd_input_chunk_get_n_tokens mtmd_input_chunk_get_n_pos mtmd_image_tokens_get_decoder_pos
  mtmd_encode_chunk mtmd_get_output_embd
`);

/** Of the CPU's backend, of which there is one for each kind of CPU: only the one that was chosen knows where they are. */
export const CPU_FUNCTIONS = words("ggml_threadpool_new ggml_threadpool_free");

/** Structures that are reached through pointers, so that no function names them by value. */
export const STRUCTS = words(`
  llama_token_data llama_token_data_array llama_logit_bias llama_model_tensor_buft_override ggml_backend_dev_props
  ggml_threadpool_params mtmd_input_text
`);

export const CALLBACKS = words(
  "llama_progress_callback ggml_log_callback ggml_backend_sched_eval_callback",
);

/** Written with the prefix that their enumerators share, which the TypeScript names leave out. */
export const ENUMS: ReadonlyMap<string, string> = new Map([
  ["ggml_type", "GGML_TYPE_"],
  ["ggml_log_level", "GGML_LOG_LEVEL_"],
  ["ggml_numa_strategy", "GGML_NUMA_STRATEGY_"],
  ["ggml_backend_dev_type", "GGML_BACKEND_DEVICE_TYPE_"],
  ["llama_vocab_type", "LLAMA_VOCAB_TYPE_"],
  ["llama_token_attr", "LLAMA_TOKEN_ATTR_"],
  ["llama_rope_type", "LLAMA_ROPE_TYPE_"],
  ["llama_rope_scaling_type", "LLAMA_ROPE_SCALING_TYPE_"],
  ["llama_pooling_type", "LLAMA_POOLING_TYPE_"],
  ["llama_attention_type", "LLAMA_ATTENTION_TYPE_"],
  ["llama_flash_attn_type", "LLAMA_FLASH_ATTN_TYPE_"],
  ["llama_split_mode", "LLAMA_SPLIT_MODE_"],
  ["llama_load_mode", "LLAMA_LOAD_MODE_"],
  ["mtmd_input_chunk_type", "MTMD_INPUT_CHUNK_TYPE_"],
]);

/** `#define`s. */
export const CONSTANTS = words("LLAMA_TOKEN_NULL");

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/);
}
