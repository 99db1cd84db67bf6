extension HostEngine {
  // Where products round their operands, a kept one loses nothing that they would not take from it.
  package func kept(_ x: Tensor) -> Tensor { products.precision == .bfloat16 ? x.rounded() : x }

  package func restored(_ kept: Tensor) -> Tensor { kept.widened() }
}
