public import Compute

/// What a text encoder tells a transformer about a caption.
public struct Conditioning: Sendable, Equatable {
  /// States of the caption's tokens, `[textTokens, textChannels]`; no padding rows unless the family
  /// attends to them.
  public var text: Tensor
  /// One vector for the whole caption, `[1, pooledChannels]`, where the family uses one.
  public var pooled: Tensor?

  /// States, and a pooled vector where there is one.
  public init(text: Tensor, pooled: Tensor? = nil) {
    self.text = text
    self.pooled = pooled
  }
}

/// Rows and columns of a latent in packed 2x2 units.
public struct TokenGrid: Sendable, Equatable {
  /// Rows of tokens: a sixteenth of the picture's height.
  public var rows: Int
  /// Columns of tokens: a sixteenth of the picture's width.
  public var columns: Int

  /// A grid of this size.
  public init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
  }

  /// The grid of a picture of so many pixels: a cell of the latent is eight of them wide.
  public init(pictureWidth width: Int, height: Int) {
    self.init(rows: height / 16, columns: width / 16)
  }

  /// The grid of a latent `[channels, height, width]`: a token takes two by two cells.
  public init(latentShape: [Int]) {
    self.init(rows: latentShape[1] / 2, columns: latentShape[2] / 2)
  }

  /// Number of tokens.
  public var count: Int { rows * columns }
}

/// Where a forward pass stands when it shows its state.
public struct HiddenState: Sendable {
  /// The block that has just run, such as `transformer_blocks.3`, or another named point.
  public let name: String
  /// The text stream, where there is one.
  public let text: Tensor?
  /// The image stream, or the only value of a named point.
  public let image: Tensor
}

/// What does not belong to one item of a forward pass: how to run it.
public struct ForwardOptions: Sendable {
  /// How many of the first blocks keep nothing for the backward pass but what they start from, and run
  /// again there. The last ones are better kept: what they hold is gone when the first ones run again.
  public var recomputedBlockCount: Int
  /// Where vectors that modulate blocks are kept for other passes.
  public var modulations: ModulationCache?
  /// Called after every block, for comparisons with other implementations. The last block computes then
  /// what nothing depends on, too.
  public var observe: (@Sendable (HiddenState) -> Void)?

  /// All blocks keep their activations unless said otherwise.
  public init(
    recomputedBlockCount: Int = 0, modulations: ModulationCache? = nil,
    observe: (@Sendable (HiddenState) -> Void)? = nil
  ) {
    self.recomputedBlockCount = recomputedBlockCount
    self.modulations = modulations
    self.observe = observe
  }
}

/// A transformer that predicts the velocity of a flow, whatever its family.
public protocol DiffusionTransformer: Sendable {
  /// Channels of a packed image token: four times those of the latent.
  var tokenChannels: Int { get }
  /// Channels of the text states.
  var textChannels: Int { get }
  /// Channels of the vector for the whole caption; nil: the model takes none.
  var pooledChannels: Int? { get }
  /// Whether the model takes a guidance value.
  var takesGuidance: Bool { get }
  /// Every frozen linear layer, in the model's order: what adapters can be attached to.
  var linearLayers: [LinearLayer] { get }
  /// The same, by what they act on.
  var passLayers: PassLayers { get }

  /// The velocity noise - latent at a point of the flow. The conditioning must have passed
  /// ``check(_:from:)``.
  ///
  /// - Parameters:
  ///   - tape: the tape with the adapters to use.
  ///   - latent: the noised latent, packed, `[grid.count, tokenChannels]`.
  ///   - grid: its rows and columns.
  ///   - conditioning: the caption's states.
  ///   - sigma: noise level, 0 to 1.
  ///   - guidance: guidance scale for models that take one.
  ///   - options: how to run.
  /// - Returns: the packed velocity, `[grid.count, tokenChannels]`.
  func velocity(
    _ tape: Tape, latent: Tensor, grid: TokenGrid, conditioning: Conditioning, sigma: Float,
    guidance: Float?, options: ForwardOptions
  ) -> Variable
}

extension DiffusionTransformer {
  /// Blocks, of all kinds.
  public var blockCount: Int { passLayers.blocks.count }
}
