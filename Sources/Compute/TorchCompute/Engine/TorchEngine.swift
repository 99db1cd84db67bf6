package import Compute

/// Computes on a device of PyTorch's. Products with stored weights and those in attention are as exact as the
/// session says; norms, modulation, softmax, adapters' products and losses are float32. With bfloat16 products
/// activations and their gradients are kept in bfloat16 as well, one vector a pass excepted.
///
/// Sums have PyTorch's order: the same device, PyTorch and number of its threads give the same bits.
package struct TorchEngine: Engine {
  /// Where it computes.
  package let session: TorchSession
  /// Where autoencoders are computed in float32.
  private let exact: TorchSession
  /// The layers of a text encoder, where they go through a ring of their own.
  private var encoder: StreamedBlocks?
  /// For what is small, and for what no transformer asks of a device.
  let host = HostEngine(products: ProductSettings())

  /// An engine on a session's device.
  ///
  /// - Parameters:
  ///   - session: where it computes.
  ///   - exact: the same device in float32, for autoencoders; nil: the session is that.
  package init(_ session: TorchSession, exact: TorchSession? = nil) {
    self.session = session
    self.exact = exact ?? session
  }

  /// The blocks that go through a ring; nil: none.
  var streamed: StreamedBlocks? { encoder ?? session.streamed }

  /// The layers go through two slots that are there as long as the engine is: there is room for them between passes of
  /// transformers, whose own buffers are free then.
  package func forTextEncoder(_ layers: [[LinearLayer]]) -> any Engine {
    guard session.memoryAtStart != nil else { return self }
    let slot = layers.map { StreamedBlock($0, on: session).byteCount }.max() ?? 0
    guard slot > 0 else { return self }
    guard 2 * slot <= Self.encoderByteCount else { return HostEngine() }
    var engine = self
    engine.encoder = sure { try StreamedBlocks(layers, slots: 2, of: slot, on: session) }
    return engine
  }

  package var ofAutoencoders: (any Engine)? {
    session.hostsAutoencoder ? nil : TorchEngine(exact)
  }

  // Nothing that is kept could be smaller: with bfloat16 products activations are in bfloat16 already.
  package func kept(_ x: Tensor) -> Tensor { x }
  package func restored(_ kept: Tensor) -> Tensor { kept }

  /// Whether something is computed on the host: one vector a pass that came from there.
  func isHosted(_ x: Tensor) -> Bool {
    session.keepsVectorsOnHost && x.rows == 1 && x.onDevice == nil
  }

  /// A result as its tensor.
  func tensor(_ result: TorchTensor, _ shape: [Int]) -> Tensor { Tensor(shape: shape, on: result) }

  /// A result as its tensor, its elements as activations are kept.
  func activations(_ result: TorchTensor, _ shape: [Int]) throws -> Tensor {
    let isVector = shape.dropLast().reduce(1, *) == 1
    return tensor(try result.to(isVector ? .float32 : session.activationType), shape)
  }

  /// Runs the body, which can't fail.
  func sure<Result>(_ body: () throws -> Result) -> Result { session.sure(body) }
}
