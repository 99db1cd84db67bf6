/// What computes: the primitives under the tape's operations, forward and backward side by side, as
/// functions over tensors. Operations call them and record how gradients come back; models know neither.
///
/// Results depend on the operands and the engine's settings: not on threads, not on the run, and a row's not
/// on how many rows come with it.
package protocol Engine: Sendable {
  /// Bytes for activations and gradients beside a transformer's weights; nil: the machine's memory, where weights
  /// stay mapped, is the only limit.
  func freeByteCount(beside layers: PassLayers) -> Int?

  /// Makes ready for passes of a transformer, or refuses it where not even a part of its weights fits beside what else
  /// is needed.
  ///
  /// - Parameters:
  ///   - layers: the transformer's.
  ///   - byteCount: bytes of activations, gradients and adapters.
  ///   - coding: bytes that the autoencoder takes between passes where this engine computes it; 0: it isn't needed.
  /// - Returns: where its weights will be; nil where they stay mapped in this machine's memory.
  /// - Throws: when it is refused.
  @discardableResult
  func admit(_ layers: PassLayers, beside byteCount: Int, coding: Int) throws -> Residency?

  /// What computes autoencoders, in float32, their maps as tensors of its own; nil: the host does, in place.
  var ofAutoencoders: (any Engine)? { get }

  /// Says that these layers' weights will be needed soon, so that they come while something else is computed.
  func prepare(_ layers: [LinearLayer])

  /// What computes a text encoder.
  ///
  /// - Parameter layers: those of each of its layers, in the order in which they run.
  /// - Returns: an engine for that encoder, while it is needed.
  func forTextEncoder(_ layers: [[LinearLayer]]) -> any Engine

  // MARK: What gradients need

  /// Activations as they are kept until gradients need them: no more exact than the engine's products take
  /// their operands. Kept twice they are in memory once.
  func kept(_ x: Tensor) -> Tensor

  /// What was kept, to compute with.
  func restored(_ kept: Tensor) -> Tensor

  // MARK: Products

  /// x · wᵀ, PyTorch's `nn.Linear` without bias.
  ///
  /// - Parameters:
  ///   - x: activations `[tokens, inFeatures]`.
  ///   - w: weight `[outFeatures, inFeatures]`, as its file stores it.
  /// - Returns: `[tokens, outFeatures]`.
  func product(_ x: Tensor, transposed w: Weight) -> Tensor

  /// dy · w: what reaches the input of a linear layer.
  ///
  /// - Parameters:
  ///   - dy: gradient of the output `[tokens, outFeatures]`.
  ///   - w: weight `[outFeatures, inFeatures]`.
  /// - Returns: gradient of the input `[tokens, inFeatures]`.
  func product(_ dy: Tensor, _ w: Weight) -> Tensor

  /// op(a) · op(b) times a factor, of tensors in memory.
  ///
  /// - Parameters:
  ///   - a: `[m, k]`, or `[k, m]` when transposed.
  ///   - transposeA: whether op(a) is the transpose of a.
  ///   - b: `[k, n]`, or `[n, k]` when transposed.
  ///   - transposeB: whether op(b) is the transpose of b.
  ///   - factor: multiplies the product.
  /// - Returns: `[m, n]`.
  func product(
    _ a: Tensor, transposeA: Bool, _ b: Tensor, transposeB: Bool, factor: Float
  ) -> Tensor

  /// A convolution of pixels.
  ///
  /// - Parameters:
  ///   - x: `[height · width, inChannels]`.
  ///   - height: rows of pixels.
  ///   - width: pixels in a row.
  ///   - convolution: what with.
  /// - Returns: pixels of its size `[height · width, outChannels]`.
  func convolve(
    _ x: Tensor, height: Int, width: Int, _ convolution: PixelConvolution
  ) -> Tensor

  // MARK: Element by element

  /// Zeros of a shape.
  func zeros(_ shape: [Int]) -> Tensor

  /// a += factor · b, of one shape.
  func add(_ b: Tensor, times factor: Float, to a: inout Tensor)

  /// a · b element by element, of one shape.
  func multiply(_ a: Tensor, _ b: Tensor) -> Tensor

  /// f(x) of every element.
  func activation(_ x: Tensor, _ f: Activation) -> Tensor

  /// dy · f'(x).
  func activationBackward(_ x: Tensor, _ f: Activation, gradient dy: Tensor) -> Tensor

  /// The mean of (x - target)², a scalar summed in double precision, and the differences.
  func meanSquare(_ x: Tensor, minus target: Tensor) -> (mean: Tensor, difference: Tensor)

  /// The gradient of that mean for x: dy · 2 · difference / count.
  func meanSquareBackward(_ difference: Tensor, gradient dy: Tensor) -> Tensor

  // MARK: Guidance

  /// Classifier-free guidance of velocities `[tokens, channels]`; see ``Tape/guided(positive:negative:_:)``.
  func guide(_ positive: Tensor, against negative: Tensor, _ form: GuidanceForm) -> Tensor

  /// The gradients of both velocities.
  func guideBackward(
    _ positive: Tensor, against negative: Tensor, _ form: GuidanceForm, gradient: Tensor
  ) -> (positive: Tensor, negative: Tensor)

  // MARK: Rows and columns

  /// Adds a vector `[columns]` to every row of x.
  func add(_ vector: Tensor, toRowsOf x: inout Tensor)

  /// x · (offset + scale) + shift, with vectors that repeat over rows of their own width.
  func scaleRows(_ x: Tensor, by scale: Tensor, offset: Float, shift: Tensor?) -> Tensor

  /// Sums over rows of a · b, or of a: `[columns]`.
  func columnSums(_ a: Tensor, times b: Tensor?) -> Tensor

  /// residual + gate · x, with a gate `[columns]`.
  func gatedSum(_ residual: Tensor, _ x: Tensor, gate: Tensor) -> Tensor

  /// The rows of a, then those of b.
  func concatenateRows(_ a: Tensor, _ b: Tensor) -> Tensor

  /// Some rows of x.
  func rows(_ range: Range<Int>, of x: Tensor) -> Tensor

  /// Zeros of a shape with some of its rows set.
  func spreadRows(_ rows: Tensor, from first: Int, in shape: [Int]) -> Tensor

  /// The columns of a, then those of b.
  func concatenateColumns(_ a: Tensor, _ b: Tensor) -> Tensor

  /// Some columns of x.
  func columns(_ range: Range<Int>, of x: Tensor) -> Tensor

  /// Zeros of a shape with some of its columns set, from a first one on.
  func spreadColumns(_ parts: [(first: Int, columns: Tensor)], in shape: [Int]) -> Tensor

  // MARK: Norms, positions, attention

  /// x / sqrt(variance + epsilon), or of the mean square where it is not centred, over rows of `width`
  /// elements; and what its gradient needs.
  func normalize(_ x: Tensor, _ form: NormForm) -> Normalized

  /// The gradient of x.
  func normalizeBackward(_ normalized: Normalized, _ form: NormForm, gradient dy: Tensor) -> Tensor

  /// Every pair of channels turned by its token's angle, or turned back.
  func rotate(_ x: Tensor, by table: RotaryTable, inverse: Bool) -> Tensor

  /// softmax(scale · q · kᵀ + bias) · v, each head by itself; see ``Tape/attention(_:_:_:_:)``.
  func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm) -> Tensor

  /// The gradients of q, k and v.
  func attentionBackward(
    _ q: Tensor, _ k: Tensor, _ v: Tensor, _ form: AttentionForm, gradient: Tensor
  ) -> (q: Tensor, k: Tensor, v: Tensor)
}

extension Engine {
  package func freeByteCount(beside layers: PassLayers) -> Int? { nil }
  package var ofAutoencoders: (any Engine)? { nil }
  package func forTextEncoder(_ layers: [[LinearLayer]]) -> any Engine { self }

  package func admit(
    _ layers: PassLayers, beside byteCount: Int, coding: Int
  ) throws -> Residency? { nil }

  /// The same where no autoencoder is needed.
  @discardableResult
  package func admit(_ layers: PassLayers, beside byteCount: Int) throws -> Residency? {
    try admit(layers, beside: byteCount, coding: 0)
  }
}

/// The frozen layers of a transformer, or of several, by what they act on.
public struct PassLayers: Sendable {
  /// Those of each block that act on tokens, in the order in which blocks run.
  public let blocks: [[LinearLayer]]
  /// Those that act on tokens before and after the blocks.
  public let aroundBlocks: [LinearLayer]
  /// Those that act on one vector a pass: embeddings of the timestep, and the layers that make modulation.
  public let ofVectors: [LinearLayer]

  /// Layers, each in one of the three.
  public init(blocks: [[LinearLayer]], aroundBlocks: [LinearLayer], ofVectors: [LinearLayer]) {
    self.blocks = blocks
    self.aroundBlocks = aroundBlocks
    self.ofVectors = ofVectors
  }

  /// Those of several transformers, which are used one after the other.
  public init(_ several: [PassLayers]) {
    self.init(
      blocks: several.flatMap(\.blocks), aroundBlocks: several.flatMap(\.aroundBlocks),
      ofVectors: several.flatMap(\.ofVectors))
  }

  /// All of them.
  package var all: [LinearLayer] { aroundBlocks + blocks.flatMap(\.self) + ofVectors }
}

/// How velocities with and without the prompt are combined.
package struct GuidanceForm: Sendable {
  /// How far from the negative velocity: 1 is the positive one.
  package let scale: Float
  /// Whether every token of the result is scaled to the norm of its positive velocity.
  package let keepsNorm: Bool

  /// A form.
  package init(scale: Float, keepsNorm: Bool) {
    self.scale = scale
    self.keepsNorm = keepsNorm
  }
}

/// How rows are normalised.
package struct NormForm: Sendable {
  /// Elements that are normalised together; divides a row.
  package let width: Int
  /// Added to the variance or mean square.
  package let epsilon: Float
  /// Whether the mean is taken away first: a layer norm, else a root mean square.
  package let isCentred: Bool

  /// A form.
  package init(width: Int, epsilon: Float, isCentred: Bool) {
    self.width = width
    self.epsilon = epsilon
    self.isCentred = isCentred
  }
}

/// Normalised rows and what their gradient needs.
package struct Normalized: Sendable {
  /// Of the shape of what was normalised.
  package let values: Tensor
  /// One a group of `width`: 1 / sqrt(variance + epsilon).
  package let reciprocals: Tensor

  /// Rows with what their gradient needs.
  package init(values: Tensor, reciprocals: Tensor) {
    self.values = values
    self.reciprocals = reciprocals
  }
}
