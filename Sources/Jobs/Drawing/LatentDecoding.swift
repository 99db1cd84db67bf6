internal import Autoencoders
internal import Checkpoints
internal import Compute
internal import DiffusionTransformers
public import JSON
public import Pictures
internal import Pipelines
public import SystemPackage
internal import Tensors

/// Finished latents of a file, decoded into pictures: `latents` `[pictures, channels, height / 8, width / 8]`, as
/// glance-sample saves them.
public struct LatentDecoding: Sendable {
  /// Pictures that there are.
  public let count: Int
  /// Whether the file says that they are finished; nil where it says nothing.
  public let isFinished: Bool?
  private let latents: NoiseFile
  private let autoencoder: any Autoencoder
  private let size: (width: Int, height: Int)
  private let settings: JSONObject

  /// Opens a file of latents, and the autoencoder of a model.
  ///
  /// - Parameters:
  ///   - file: the latents.
  ///   - model: the pipeline's folder, or one with a pipeline for each phase.
  /// - Throws: what is wrong with either.
  public init(_ file: FilePath, model: FilePath) throws {
    autoencoder = try ModelChoice.pipeline(of: model).openAutoencoder()
    let source = try TensorSource(openingAny: file)
    let shape = try source.tensor(named: SavedLatents.tensor).shape
    let cells = Array(shape.suffix(2))
    guard shape.count == 3 || shape.count == 4,
      cells.allSatisfy({ (2...4096).contains($0) && $0.isMultiple(of: 2) })
    else {
      throw DrawingError.invalid(
        source: "\(file): tensor '\(SavedLatents.tensor)'",
        expected: "[pictures, \(autoencoder.latentChannels), height / 8, width / 8]",
        found: "\(shape)")
    }
    size = (8 * cells[1], 8 * cells[0])
    latents = try NoiseFile(
      opening: file, channels: autoencoder.latentChannels,
      grid: TokenGrid(pictureWidth: size.width, height: size.height))
    if TransformerEngine.isChosen {
      let coding = autoencoder.decodingForecast(height: size.height, width: size.width)
      _ = try TransformerEngine.current.admit(
        PassLayers([]), beside: 0, coding: coding.deviceByteCount)
    }
    count = latents.count
    isFinished = source.metadata[SavedLatents.key].map { $0 == SavedLatents.finished }
    settings =
      source.metadata[SavedLatents.settingsKey].flatMap { try? JSONValue(parsing: $0).object }
      ?? [:]
  }

  /// A picture, and what its latent says it was drawn with.
  public func picture(_ index: Int) throws -> (picture: Picture, settings: JSONValue) {
    let pixels = try autoencoder.decode(latents.noise(at: index))
    var own = JSONObject(settings.members.filter { $0.key != "pictures" })
    let pictures = settings["pictures"]?.array ?? []
    if pictures.indices.contains(index) {
      own["prompt"] = pictures[index]["prompt"]
      own["seed"] = pictures[index]["seed"]
    }
    return (
      Picture(normalized: pixels.floats.span, width: size.width, height: size.height), .object(own)
    )
  }
}
