internal import Pipelines
public import SystemPackage

/// How large pictures are asked to be.
public enum PictureSizeRequest: Sendable, Equatable {
  /// So many pixels, multiples of 16.
  case pixels(width: Int, height: Int)
  /// These proportions, with about as many pixels as the usual size has.
  case ratio(width: Int, height: Int)
}

/// The size of a run's pictures, and who says so.
public struct ChosenSize: Sendable, Equatable {
  /// Pixels in a row, a multiple of 16.
  public let width: Int
  /// Rows, a multiple of 16.
  public let height: Int
  /// Who says so.
  public let source: Source

  /// Where a size comes from.
  public enum Source: Sendable, Equatable {
    /// The request.
    case asked
    /// An adapter or a baked transformer: the size that its schedule was made for.
    case file(String)
    /// The model's index, or its family.
    case model
  }

  /// The size that is asked for, else the one that all files with a size declare, else the model's.
  ///
  /// - Parameters:
  ///   - request: what is asked for; nil: nothing.
  ///   - declared: what adapters and transformers declare, with the names of their files.
  ///   - model: the model's own size.
  /// - Throws: ``DrawingError`` for a declared size that is needed and is none.
  init(
    _ request: PictureSizeRequest?,
    declared: [(source: String, size: (width: Int, height: Int))], model: PipelineSize
  ) throws {
    if case .pixels(let width, let height) = request {
      (self.width, self.height, source) = (width, height, .asked)
      return
    }
    var (usual, source) = (model, Source.model)
    if let first = declared.first, declared.allSatisfy({ $0.size == first.size }) {
      guard let size = PipelineSize(width: first.size.width, height: first.size.height) else {
        throw DrawingError.invalid(
          source: "\(first.source): 'glance.image_size'", expected: "multiples of 16; give --size",
          found: "\(first.size.width)x\(first.size.height)")
      }
      (usual, source) = (size, .file(first.source))
    }
    guard case .ratio(let width, let height) = request else {
      (self.width, self.height, self.source) = (usual.width, usual.height, source)
      return
    }
    // width · height stays, and both sides are cut into tokens of 16 pixels.
    let ratio = Double(width) / Double(height)
    let area = Double(usual.width) * Double(usual.height)
    (self.width, self.height, self.source) = (
      Self.tokens((area * ratio).squareRoot()), Self.tokens((area / ratio).squareRoot()), .asked
    )
  }

  /// The size of the picture that a request starts from, where it asks for none; else this one.
  func orThat(of request: DrawingRequest) throws -> ChosenSize {
    guard let image = request.image, request.size == nil else { return self }
    let size = try image.size(usual: self)
    return ChosenSize(width: size.width, height: size.height, source: .asked)
  }

  private init(width: Int, height: Int, source: Source) {
    (self.width, self.height, self.source) = (width, height, source)
  }

  private static func tokens(_ pixels: Double) -> Int { max(1, Int((pixels / 16).rounded())) * 16 }
}

extension ChosenSize {
  /// The size that is asked for, else a model's own.
  ///
  /// - Parameters:
  ///   - request: what is asked for; nil: nothing.
  ///   - model: the pipeline's folder, or one with a pipeline for each phase.
  /// - Throws: what is wrong with the model's files.
  public init(_ request: PictureSizeRequest?, model: FilePath) throws {
    self = try DrawingPlan(DrawingRequest(model: model, prompts: [""], size: request)).size
  }
}
