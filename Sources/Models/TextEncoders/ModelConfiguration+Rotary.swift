internal import JSON
internal import ModelLoading

extension ModelConfiguration {
  /// The base of the rotary frequencies, where both forms of configurations have it: `rope_theta`, or
  /// since transformers 5 `rope_parameters`. None is assumed: which one a missing key means depends on
  /// the version that wrote the file, and a wrong one changes the text's states without a word.
  ///
  /// Source: huggingface/transformers, `modeling_rope_utils.py`, `RotaryEmbeddingConfigMixin`, and
  /// `configuration_qwen2_5_vl.py`.
  ///
  /// - Throws: also for frequencies that are stretched (`yarn`, `linear`, …), which isn't computed, and
  ///   for two bases that differ.
  func rotaryBase() throws(ModelError) -> Double {
    var bases: [Double] = []
    if let value = values["rope_theta"], value != .null { bases.append(try number("rope_theta")) }
    for key in ["rope_parameters", "rope_scaling"] {
      guard let value = values[key], value != .null else { continue }
      // Parameters of each kind of layers by its name, where layers differ.
      let members = value.object?.members ?? []
      let groups = members.contains { $0.value.object != nil } ? members.map(\.value) : [value]
      for group in groups {
        let kind = (group["rope_type"] ?? group["type"])?.string ?? "default"
        guard kind == "default" || kind == "mrope" else {
          throw .configuration(
            file: file, key: key, expected: "plain rotary embedding (default, mrope)",
            found: "'\(kind)', which is not computed here")
        }
        if let base = group["rope_theta"]?.double { bases.append(base) }
      }
    }
    guard let base = bases.first, base.isFinite, base > 0 else {
      throw .configuration(
        file: file, key: "rope_theta", expected: "a number, here or in 'rope_parameters'",
        found: bases.first.map { "\($0)" } ?? "nothing")
    }
    guard bases.allSatisfy({ $0 == base }) else {
      throw .configuration(
        file: file, key: "rope_theta", expected: "one base of the rotary embedding",
        found: bases.map { "\($0)" }.joined(separator: " and "))
    }
    return base
  }
}
