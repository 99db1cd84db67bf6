internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
internal import Elements
internal import SystemPackage
internal import Tensors

/// Noise to start from, `latents` in a safetensors file: normalised latents
/// `[pictures, channels, height / 8, width / 8]` (or without the first axis), or packed as
/// diffusers' pipelines take them, `[pictures, tokens, 4 · channels]`.
struct NoiseFile: Sendable {
  /// Latents in the file.
  let count: Int
  /// Whether the file says that its latents are finished pictures.
  let isFinished: Bool
  private let file: FilePath
  private let view: TensorView
  private let isPacked: Bool
  private let grid: TokenGrid

  /// Opens a file.
  ///
  /// - Parameters:
  ///   - file: the file.
  ///   - channels: channels of a latent.
  ///   - grid: rows and columns of tokens.
  /// - Throws: when the file can't be read or the tensor has another shape.
  init(opening file: FilePath, channels: Int, grid: TokenGrid) throws {
    self.file = file
    let source = try TensorSource(openingAny: file)
    view = try source.tensor(named: SavedLatents.tensor)
    let shape = view.shape
    let unpacked = [channels, 2 * grid.rows, 2 * grid.columns]
    let inner = shape.count == 4 ? Array(shape.dropFirst()) : shape
    isPacked = shape.count <= 3 && Array(shape.suffix(2)) == [grid.count, 4 * channels]
    guard view.dtype.isWidenable, inner == unpacked || isPacked, view.elementCount > 0 else {
      throw DrawingError.invalid(
        source: "\(file): tensor 'latents'",
        expected:
          "floats of shape [pictures, \(unpacked.map(String.init).joined(separator: ", "))]",
        found: "\(view.dtype.rawValue) \(shape)")
    }
    count = view.elementCount / unpacked.elementCount
    isFinished = source.metadata.contains {
      $0.key == SavedLatents.key && $0.value == SavedLatents.finished
    }
    self.grid = grid
  }

  /// One of the latents, `[channels, height / 8, width / 8]`.
  ///
  /// - Throws: when a number isn't finite.
  func noise(at index: Int) throws -> Tensor {
    let size = view.elementCount / count
    let flat = view.part(
      name: view.name, dtype: view.dtype, shape: [size],
      range: index * (view.byteCount / count)..<(index + 1) * (view.byteCount / count))
    let channels = size / (4 * grid.count)
    let numbers = flat.floats()
    guard numbers.allSatisfy(\.isFinite) else {
      throw DrawingError.invalid(
        source: "\(file): tensor 'latents'", expected: "finite numbers",
        found: "NaN or infinity for picture \(index + 1)")
    }
    return isPacked
      ? unpackTokens(Tensor(shape: [grid.count, 4 * channels], numbers), grid: grid)
      : Tensor(shape: [channels, 2 * grid.rows, 2 * grid.columns], numbers)
  }
}
