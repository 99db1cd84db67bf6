extension Adapter {
  /// Text encoders that this adapter changes and that a dialect has no form for, by component.
  public func textEncodersWithoutForm(in dialect: String) -> [String] {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return [] }
    return textEncoders.keys.sorted().filter { recipe.textEncoders[$0] == nil }
  }

  /// Text encoders that this adapter changes and that a dialect's loaders don't read although it has
  /// a form for them, by component.
  ///
  /// Source: huggingface/diffusers, `loaders/lora_pipeline.py`, `_lora_loadable_modules` of the
  /// pipelines of FLUX.1 (the transformer and CLIP) and Qwen-Image (the transformer).
  public func textEncodersPassedOver(by dialect: String) -> [String] {
    guard let recipe = try? DialectRecipe.named(dialect, family: family) else { return [] }
    return textEncoders.keys.sorted().filter(recipe.unread.contains)
  }
}
