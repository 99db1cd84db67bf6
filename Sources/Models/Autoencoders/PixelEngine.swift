internal import Compute

/// What computes the layers of autoencoders, and where their maps are.
enum PixelEngine: Sendable {
  /// The host: layers prepare pixels as they read them, and write over maps that nobody needs any more.
  case host(HostEngine)
  /// An engine with maps as tensors of its own.
  case tensors(any Engine)

  /// What computes autoencoders in this process: what computes transformers, where it computes these too, else the host.
  static var current: PixelEngine {
    TransformerEngine.current.ofAutoencoders.map { .tensors($0) } ?? .host(.ofAutoencoders)
  }

  /// What computes what is not about places of pixels.
  var engine: any Engine {
    switch self {
    case .host(let engine): engine
    case .tensors(let engine): engine
    }
  }
}

extension HostEngine {
  /// Computes in float32 whatever is asked for products with a transformer's weights: what is rounded here is
  /// seen in every picture, and a picture takes the autoencoder once.
  static var ofAutoencoders: HostEngine {
    let settings = ProductSettings.shared
    return HostEngine(
      products: ProductSettings(usesBLAS: settings.usesBLAS, level: settings.level))
  }
}

extension Convolution {
  /// The convolution of a map, or of silu(norm(map)).
  func callAsFunction(
    _ x: borrowing FeatureMap, after norm: Normalization?, on engine: PixelEngine
  ) -> FeatureMap {
    switch engine {
    case .host(let engine):
      callAsFunction(
        x, preparing: norm?.preparation(of: x, activated: true) ?? .none, on: engine)
    case .tensors(let engine): convolved(x, after: norm, on: engine)
    }
  }

  /// Adds the convolution of silu(norm(x)) to another map.
  func add(
    _ x: borrowing FeatureMap, after norm: Normalization, on engine: PixelEngine,
    to y: inout FeatureMap
  ) {
    switch engine {
    case .host(let engine):
      add(x, preparing: norm.preparation(of: x, activated: true), on: engine, to: &y)
    case .tensors(let engine):
      y.add(convolved(x, after: norm, on: engine).tensor, on: engine)
    }
  }

  /// The convolution of a map that nobody else needs.
  func taking(_ x: consuming FeatureMap, on engine: PixelEngine) -> FeatureMap {
    guard case .host(let host) = engine, outChannels <= inChannels else {
      return callAsFunction(x, after: nil, on: engine)
    }
    return replacing(x, on: host)
  }

  private func convolved(
    _ x: borrowing FeatureMap, after norm: Normalization?, on engine: any Engine
  ) -> FeatureMap {
    let input = norm?.normalized(x.tensor, activated: true, on: engine) ?? x.tensor
    return FeatureMap(
      height: filter.outputSize(x.height), width: filter.outputSize(x.width),
      engine.convolve(input, height: x.height, width: x.width, pixels))
  }
}

extension Normalization {
  /// The normalised pixels of a map, `[pixels, channels]`.
  func pixels(of x: borrowing FeatureMap, on engine: PixelEngine) -> Tensor {
    switch engine {
    case .host: x.prepared(preparation(of: x, activated: false))
    case .tensors(let engine): normalized(x.tensor, activated: false, on: engine)
    }
  }

  /// The norm of pixels `[pixels, channels]`, followed by SiLU where `activated`. Variances are of differences from the
  /// mean: sums here may be of floats.
  func normalized(_ x: Tensor, activated: Bool, on engine: any Engine) -> Tensor {
    let normed: Tensor
    switch self {
    case .group(let groups, let weight, let bias):
      let count = Double(x.count / groups)
      func means(_ sums: [Float]) -> [Double] {
        let width = sums.count / groups
        return sums.indices.map { channel in
          let first = channel / width * width
          return sums[first..<first + width].reduce(0) { $0 + Double($1) } / count
        }
      }
      func vector(_ values: [Double]) -> Tensor {
        Tensor(shape: [values.count], values.map { Float($0) })
      }
      var centred = x
      engine.add(
        vector(means(engine.columnSums(x, times: nil).floats).map { -$0 }), toRowsOf: &centred)
      let variances = means(engine.columnSums(centred, times: centred).floats)
      let factors = zip(weight, variances).map { Double($0) / ($1 + 1e-6).squareRoot() }
      normed = engine.scaleRows(
        centred, by: vector(factors), offset: 0, shift: Tensor(shape: [bias.count], bias))
    case .unit(let gamma):
      // As good as no epsilon: the least length is 1e-12.
      let unit = engine.normalize(
        x, NormForm(width: gamma.count, epsilon: 1e-24, isCentred: false))
      normed = engine.scaleRows(
        unit.values, by: Tensor(shape: [gamma.count], gamma), offset: 0, shift: nil)
    }
    return activated ? engine.activation(normed, .silu) : normed
  }
}
