import ArgumentParser
import Checkpoints
import CommandSupport
import Reports
import Synthesis

/// Whole pipelines.
extension SynthesizeCheckpoint {
  /// Refuses options that mean nothing for a pipeline.
  func validatePipeline() throws {
    guard adapter == nil else {
      throw ValidationError("--adapter: expected without --pipeline; an adapter is one file")
    }
    guard layout == "diffusers" else {
      throw ValidationError("--layout: expected diffusers with --pipeline, found \(layout)")
    }
    guard !output.isSafetensorsFile else {
      throw ValidationError("--output: expected a folder with --pipeline, found \(output)")
    }
  }

  /// Says what the pipeline of a transformer has, and writes it.
  func writePipeline(_ architecture: Architecture, _ layout: Layout) throws {
    let pipeline = try pipeline(architecture, layout)
    for (folder, component) in pipeline.parts {
      Terminal.note(
        "\(folder): \(Readable.count(component.tensors.count, "tensor")), "
          + Self.size(component.tensors.byteCount))
    }
    Terminal.note("together \(Self.size(pipeline.byteCount))")
    guard !outputs.dryRun else { return }
    try filling(fill ?? .scaled, byteCount: pipeline.byteCount) {
      try pipeline.write(to: output, filling: $0, overwrite: outputs.force)
    }
  }

  private func pipeline(
    _ architecture: Architecture, _ layout: Layout
  ) throws -> PipelineSynthesis {
    let published = try PublishedPipeline(of: architecture.family)
    if let variant, !published.variants.contains(variant) {
      throw ValidationError(
        "--variant: expected \(published.variants.joined(separator: ", ")) with --pipeline, "
          + "found \(variant)")
    }
    let layers = try encoderLayers.map {
      try counts($0, option: "--encoder-layers", of: published.encoderLayers, in: 1...1000)
    }
    let transformer = CheckpointSynthesis(
      of: architecture, in: layout, dtype: dtype.dtype,
      shardByteLimit: shardSize?.count ?? published.transformerShardByteLimit)
    let others = published.components(encoderLayers: layers).map {
      ($0.folder, $0.synthesis(dtype: dtype.dtype, shardByteLimit: shardSize?.count))
    }
    return PipelineSynthesis(published, parts: [("transformer", transformer.component)] + others)
  }

  private static func size(_ byteCount: Int) -> String {
    "\(Readable.count(byteCount)) bytes (\(Readable.bytes(byteCount)))"
  }
}
