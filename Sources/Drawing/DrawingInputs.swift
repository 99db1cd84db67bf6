internal import Compute
internal import DiffusionTransformers
internal import Pipelines
internal import Safetensors
internal import Sampling
internal import SystemPackage
internal import Tensors

/// Prompts' states, one a prompt, and the negative prompt's.
struct EncodedPrompts {
  let prompts: [Conditioning]
  let negative: Conditioning?
}

extension EncodedPrompts {
  /// Reads prompts' states from a safetensors file whose tensors have the names of the diffusers
  /// pipelines' arguments: `prompt_embeds` `[prompts, tokens, channels]` (or without the first
  /// axis), `pooled_prompt_embeds` `[prompts, channels]`, `negative_prompt_embeds`,
  /// `negative_pooled_prompt_embeds`.
  init(reading file: FilePath, textChannels: Int) throws {
    let source = try SafetensorsFile(opening: file)
    func rows(_ name: String, rank: Int) throws -> [Tensor]? {
      guard let view = source.tensors.first(where: { $0.name == name }) else { return nil }
      guard view.dtype.isWidenable, view.shape.count == rank || view.shape.count == rank - 1,
        view.elementCount > 0
      else {
        throw SamplingError.invalid(
          source: "\(file): tensor '\(name)'", expected: "floats with \(rank) axes",
          found: "\(view.dtype.rawValue) \(view.shape)")
      }
      let shape = view.shape.count == rank ? view.shape : [1] + view.shape
      let whole = view.floats()
      let size = whole.count / shape[0]
      return (0..<shape[0]).map { row in
        Tensor(
          shape: rank == 3 ? Array(shape.dropFirst()) : [1, size],
          Array(whole[row * size..<(row + 1) * size]))
      }
    }
    guard let texts = try rows("prompt_embeds", rank: 3), let first = texts.first else {
      throw SamplingError.invalid(
        source: "\(file)", expected: "a tensor 'prompt_embeds'",
        found: source.tensors.prefix(5).map(\.name).joined(separator: ", "))
    }
    guard first.columns == textChannels else {
      throw SamplingError.invalid(
        source: "\(file): tensor 'prompt_embeds'", expected: "\(textChannels) channels",
        found: "\(first.columns)")
    }
    let pooled = try rows("pooled_prompt_embeds", rank: 2)
    prompts = texts.enumerated().map { index, text in
      Conditioning(text: text, pooled: pooled.flatMap { index < $0.count ? $0[index] : $0.first })
    }
    negative = try rows("negative_prompt_embeds", rank: 3)?.first.map { text in
      Conditioning(text: text, pooled: nil)
    }
    if var states = negative {
      states.pooled = try rows("negative_pooled_prompt_embeds", rank: 2)?.first
    }
  }
}

/// Noise to start from, `latents` in a safetensors file: normalised latents
/// `[pictures, channels, height / 8, width / 8]` (or without the first axis), or packed as
/// diffusers' pipelines take them, `[pictures, tokens, 4 · channels]`.
///
/// - Parameters:
///   - file: the file.
///   - channels: channels of a latent.
///   - grid: rows and columns of tokens.
/// - Returns: one latent a picture, `[channels, height / 8, width / 8]`.
/// - Throws: when the file can't be read or the tensor has another shape.
func readLatents(_ file: FilePath, channels: Int, grid: TokenGrid) throws -> [Tensor] {
  let source = try SafetensorsFile(opening: file)
  let view = try source.tensor(named: "latents")
  let unpacked = [channels, 2 * grid.rows, 2 * grid.columns]
  let packed = [grid.count, 4 * channels]
  let inner = view.shape.count == 4 ? Array(view.shape.dropFirst()) : view.shape
  let isPacked = Array(view.shape.suffix(2)) == packed && view.shape.count <= 3
  guard view.dtype.isWidenable, inner == unpacked || isPacked, view.elementCount > 0 else {
    throw SamplingError.invalid(
      source: "\(file): tensor 'latents'",
      expected: "floats of shape [pictures, \(unpacked.map(String.init).joined(separator: ", "))]",
      found: "\(view.dtype.rawValue) \(view.shape)")
  }
  let size = unpacked.reduce(1, *)
  let values = view.floats()
  return (0..<values.count / size).map { picture in
    let elements = Array(values[picture * size..<(picture + 1) * size])
    return isPacked
      ? unpackTokens(Tensor(shape: packed, elements), grid: grid)
      : Tensor(shape: unpacked, elements)
  }
}
